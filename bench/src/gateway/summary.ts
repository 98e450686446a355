import { quantile } from '../checkout/summary.ts'
import { type ContenderName, contenders } from './contenders.ts'
import type { Measured } from './load.ts'

/** One measurement of one contender. */
export interface Round extends Measured {
  /** CPU time that its process has used for each request, in µs. */
  readonly cpuUs: number | undefined
}

/** One contender over all rounds; every figure is the median round's. */
export interface Row {
  readonly name: ContenderName
  readonly title: string
  readonly perSecond: number
  readonly rounds: readonly number[]
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** CPU time for each request, in µs: on a busy machine steadier than requests a second. 0 where it cannot be read. */
  readonly cpuUs: number
  readonly errors: Readonly<Record<string, number>>
}

export interface Ratio {
  readonly of: ContenderName
  readonly to: ContenderName
  /** The median of the ratios of each round, whose two measurements were neighbours. */
  readonly ratio: number
  /** The other way round by CPU time for each request. */
  readonly cpuRatio: number
  /** Undefined where nothing was promised. */
  readonly wanted: number | undefined
}

const wanted: readonly Omit<Ratio, 'ratio' | 'cpuRatio'>[] = [
  { of: 'ours', to: 'undici', wanted: 0.85 },
  { of: 'ours', to: 'fastify', wanted: 1.5 },
  { of: 'ours', to: 'express', wanted: 8 },
  { of: 'ours', to: 'express-kept', wanted: undefined },
  { of: 'ours-cached', to: 'memory', wanted: 0.75 },
]

export function rowOf(name: ContenderName, rounds: readonly Round[]): Row {
  const median = (of: (round: Round) => number) => rounded(quantile(rounds.map(of), 0.5), 2)
  const errors: Record<string, number> = {}
  for (const round of rounds)
    for (const [what, count] of Object.entries(round.errors)) errors[what] = (errors[what] ?? 0) + count
  return {
    name,
    title: contenders[name].title,
    perSecond: Math.round(median(({ perSecond }) => perSecond)),
    rounds: rounds.map(({ perSecond }) => Math.round(perSecond)),
    p50Ms: median(({ p50Ms }) => p50Ms),
    p95Ms: median(({ p95Ms }) => p95Ms),
    p99Ms: median(({ p99Ms }) => p99Ms),
    cpuUs: median(({ cpuUs }) => cpuUs ?? 0),
    errors,
  }
}

export function ratiosOf(measured: ReadonlyMap<ContenderName, readonly Round[]>): readonly Ratio[] {
  return wanted.flatMap((each) => {
    const [ours, theirs] = [measured.get(each.of), measured.get(each.to)]
    if (!ours || !theirs) return []
    const median = (of: (one: Round, other: Round) => number) =>
      rounded(
        quantile(
          ours.flatMap((one, round) => (theirs[round] ? [of(one, theirs[round])] : [])),
          0.5,
        ),
        2,
      )
    const ratio = median((one, other) => one.perSecond / other.perSecond)
    const cpuRatio = median((one, other) => (other.cpuUs ?? 0) / (one.cpuUs ?? 1))
    return [{ ...each, ratio, cpuRatio }]
  })
}

const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits

export const rowLine = ({ title, perSecond, rounds, p50Ms, p95Ms, p99Ms, cpuUs, errors }: Row) =>
  [
    title.padEnd(26),
    `${String(perSecond).padStart(7)} requests/s`,
    `p50 ${p50Ms} ms  p95 ${p95Ms} ms  p99 ${p99Ms} ms`,
    `CPU ${cpuUs} µs`,
    `rounds ${rounds.join(', ')}`,
    ...(Object.keys(errors).length > 0 ? [`ERRORS ${JSON.stringify(errors)}`] : []),
  ].join('  ')

export const ratioLine = ({ of, to, ratio, cpuRatio, wanted: least }: Ratio) => {
  const promise = least === undefined ? '' : `wanted ${least}${ratio >= least ? '' : ', NOT REACHED'}; `
  return `${contenders[of].title} to ${contenders[to].title}: ${ratio} (${promise}by CPU time ${cpuRatio})`
}
