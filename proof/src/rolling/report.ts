import type { Finding } from '../verify/finding.ts'
import { report as findingsReport } from '../verify/report.ts'
import type { Tally } from './load.ts'
import type { Restart } from './restarts.ts'

export interface RollingResult {
  readonly machine: { readonly cores: number; readonly node: string }
  readonly instances: number
  /** The version that was replaced, with --upgrade. */
  readonly from: { readonly commit: string; readonly subject: string } | undefined
  /** Complete purchases a second. */
  readonly capacity: number
  readonly rate: number
  readonly restarts: readonly Restart[]
  /** Processes that ended by themselves. */
  readonly crashes: readonly string[]
  readonly tally: Tally
  readonly seconds: number
  readonly findings: readonly Finding[]
}

export const isGood = ({ tally, findings, crashes }: RollingResult): boolean =>
  tally.purchases > 0 &&
  tally.failures.length === 0 &&
  crashes.length === 0 &&
  findings.every(({ violations }) => violations.length === 0)

/** For programs: quantiles instead of every single purchase. */
export function summary(result: RollingResult): object {
  const { tally, restarts, findings, ...rest } = result
  const { tookMs, ...counts } = tally
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
  const { tally, restarts, crashes, findings, seconds } = result
  const purchases = quantiles(tally.tookMs)
  const restart = quantiles(restarts.map(({ tookMs }) => tookMs))
  return [
    `${restarts.length} restarts in ${Math.round(seconds)} s, each ${restart.p50} ms at the median, drain included`,
    `${tally.requests} requests, ${tally.purchases} purchases: p50 ${purchases.p50} ms, p95 ${purchases.p95} ms, p99 ${purchases.p99} ms`,
    `${tally.failures.length} failed`,
    ...tally.failures.slice(0, MOST_SHOWN).map(({ at, what }) => `      ${at.toISOString()} ${what}`),
    ...crashes.map((line) => `      ${line}`),
    findingsReport(findings),
  ].join('\n')
}

const MOST_SHOWN = 20

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (q: number) => Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0)
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
