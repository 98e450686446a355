import type { MatrixResult } from './matrix.ts'
import type { Outcome, Verdict } from './outcome.ts'
import { nameOf } from './record.ts'

/** What a run says of itself, for people and programs. */
export interface Summary {
  readonly points: number
  readonly cells: number
  readonly held: number
  readonly violated: number
  readonly notReached: number
  /** Cells whose fault has happened, in percent. */
  readonly coverage: number
  readonly medianRecoveryMs: number
  readonly longestRecoveryMs: number
  /** In the books that were checked last. */
  readonly checkouts: number
  /** Every fault happened, nothing was violated, the books agree. */
  readonly ok: boolean
}

export function summarise({ outcomes, findings, unclaimed }: MatrixResult): Summary {
  const count = (verdict: Verdict) => outcomes.filter((outcome) => outcome.verdict === verdict).length
  const notReached = count('not reached')
  const times = outcomes.flatMap(({ recoveryMs }) => recoveryMs ?? []).toSorted((one, other) => one - other)
  const agree = findings.length > 0 && findings.every(({ violations }) => violations.length === 0)
  return {
    points: new Set(outcomes.map(({ cell }) => nameOf(cell.place))).size,
    cells: outcomes.length,
    held: count('held'),
    violated: count('violated'),
    notReached,
    coverage: outcomes.length === 0 ? 0 : (100 * (outcomes.length - notReached)) / outcomes.length,
    medianRecoveryMs: times[Math.floor(times.length / 2)] ?? 0,
    longestRecoveryMs: times.at(-1) ?? 0,
    checkouts: findings.find(({ invariant }) => invariant === 'I3')?.counts['checkouts'] ?? 0,
    ok: outcomes.length > 0 && agree && unclaimed.length === 0 && count('held') === outcomes.length,
  }
}

/** One line of a report: a point and what became of it under each fault. */
export interface Row {
  readonly service: string
  readonly point: string
  readonly kind: string
  readonly outcomes: Readonly<Partial<Record<Outcome['cell']['fault'], Outcome>>>
}

export const rowsOf = (outcomes: readonly Outcome[]): readonly Row[] =>
  [...Map.groupBy(outcomes, ({ cell }) => nameOf(cell.place)).values()].flatMap((about) => {
    const place = about[0]?.cell.place
    if (!place) return []
    const { service, point, kind } = place
    return [{ service, point, kind, outcomes: Object.fromEntries(about.map((one) => [one.cell.fault, one])) }]
  })
