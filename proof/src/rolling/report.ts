import type { Finding } from '../verify/finding.ts'
import { report as findingsReport } from '../verify/report.ts'
import { type Crash, crashText, failureText, type PlacedFailure } from './failures.ts'
import type { Tally } from './load.ts'
import type { Restart } from './restarts.ts'

export interface RollingResult {
  readonly machine: { readonly cores: number; readonly node: string }
  readonly instances: number
  /** The version that was replaced, with --upgrade. */
  readonly from: { readonly commit: string; readonly subject: string } | undefined
  readonly capacity: Capacity
  /** Purchases a second that were asked for. */
  readonly rate: number
  /** Rounds that were asked for, and how many were finished. */
  readonly rounds: { readonly wanted: number; readonly done: number }
  /** Why it ended before its last round; undefined if it did not. */
  readonly endedEarly: string | undefined
  readonly restarts: readonly Restart[]
  /** Processes that ended by themselves. */
  readonly crashes: readonly Crash[]
  readonly failures: readonly PlacedFailure[]
  readonly tally: Tally
  readonly seconds: number
  readonly findings: readonly Finding[]
}

/** Complete purchases a second: the median of some windows of time, for other work on the machine disturbs single ones. */
export interface Capacity {
  readonly median: number
  readonly windows: readonly number[]
}

export const isGood = ({ tally, findings, crashes, endedEarly }: RollingResult): boolean =>
  endedEarly === undefined &&
  tally.purchases > 0 &&
  tally.failures.length === 0 &&
  crashes.length === 0 &&
  findings.every(({ violations }) => violations.length === 0)

/** For programs: quantiles instead of every single purchase. */
export function summary(result: RollingResult): object {
  const { tally, restarts, findings, ...rest } = result
  const { tookMs, failures: _, ...counts } = tally
  return {
    ok: isGood(result),
    ...rest,
    ...counts,
    purchaseMs: quantiles(tookMs),
    restarts: restarts.length,
    restartMs: quantiles(restarts.map((restart) => restart.tookMs)),
    findings,
  }
}

/** For people. */
export function report(result: RollingResult): string {
  const { tally, restarts, rounds, endedEarly, crashes, failures, findings, seconds } = result
  const purchases = quantiles(tally.tookMs)
  const restart = quantiles(restarts.map(({ tookMs }) => tookMs))
  return [
    ...(endedEarly === undefined ? [] : [`ENDED EARLY: ${endedEarly}`]),
    `${rounds.done} of ${rounds.wanted} rounds, ${restarts.length} restarts in ${Math.round(seconds)} s, each ${restart.p50} ms at the median, drain included`,
    `${tally.requests} requests, ${tally.purchases} purchases: p50 ${purchases.p50} ms, p95 ${purchases.p95} ms, p99 ${purchases.p99} ms`,
    `${failures.length} failed`,
    ...failures.slice(0, MOST_SHOWN).map((failure) => `      ${failureText(failure)}`),
    ...(failures.length > MOST_SHOWN ? [`      and ${failures.length - MOST_SHOWN} more: --json has them all`] : []),
    ...crashes.flatMap(crashText).map((line) => `      ${line}`),
    findingsReport(findings),
  ].join('\n')
}

const MOST_SHOWN = 20

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (q: number) => Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0)
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
