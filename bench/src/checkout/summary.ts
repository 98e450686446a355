import type { LoadResult } from './load.ts'
import type { ShapeName } from './shops.ts'

/** What was measured of one shape, over all rounds. */
export interface Summary {
  readonly shape: ShapeName
  /** Complete purchases per second: the median round, and each round. */
  readonly perSecond: number
  readonly rounds: readonly number[]
  /** Whole purchases and accepted-to-confirmed, in ms. */
  readonly purchaseMs: Quantiles
  readonly confirmedMs: Quantiles
  readonly callsEach: number
  readonly errors: Readonly<Record<string, number>>
  /** Whether `micromart verify` passed after every round. */
  readonly booksAgree: boolean
}

/** One round of one shape, and whether the checker passed on its books afterwards. */
export interface Round extends LoadResult {
  readonly booksAgree: boolean
}

export interface Quantiles {
  readonly p50: number
  readonly p95: number
}

export function summarise(shape: ShapeName, results: readonly Round[]): Summary {
  const purchases = results.flatMap((result) => result.purchases)
  const rounds = results.map((result) => result.purchases.length / result.seconds)
  const errors: Record<string, number> = {}
  for (const result of results)
    for (const [what, count] of Object.entries(result.errors)) errors[what] = (errors[what] ?? 0) + count
  return {
    shape,
    perSecond: round(quantile(rounds, 0.5)),
    rounds: rounds.map(round),
    purchaseMs: quantiles(purchases.map(({ tookMs }) => tookMs)),
    confirmedMs: quantiles(purchases.map(({ confirmedMs }) => confirmedMs)),
    callsEach: round(results.reduce((sum, { calls }) => sum + calls, 0) / Math.max(1, purchases.length)),
    errors,
    booksAgree: results.every((result) => result.booksAgree),
  }
}

const quantiles = (values: readonly number[]): Quantiles => ({
  p50: round(quantile(values, 0.5)),
  p95: round(quantile(values, 0.95)),
})

/** The nearest-rank quantile; 0 of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0
}

const round = (value: number) => Math.round(value * 10) / 10

export const line = ({ shape, perSecond, rounds, purchaseMs, confirmedMs, callsEach, errors, booksAgree }: Summary) =>
  [
    shape.padEnd(12),
    `${perSecond} checkouts/s (rounds ${rounds.join(', ')})`,
    `p50 ${purchaseMs.p50} ms, p95 ${purchaseMs.p95} ms`,
    `accepted to confirmed p50 ${confirmedMs.p50} ms, p95 ${confirmedMs.p95} ms`,
    `${callsEach} calls each`,
    `errors ${JSON.stringify(errors)}`,
    `books ${booksAgree ? 'agree' : 'DO NOT AGREE'}`,
  ].join('  ')
