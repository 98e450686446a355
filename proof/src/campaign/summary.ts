import type { FaultRecord, JournalContent } from './journal.ts'
import { type Distribution, distributionOf, groupBy, ruleOfThree } from './statistics.ts'

export const P95_LIMIT_MS = 5_000
export const P99_LIMIT_MS = 15_000

export interface KindSummary {
  readonly kind: string
  readonly faults: number
  /** Of those that were not overshadowed, in ms. */
  readonly recovery: Distribution
  readonly never: number
}

export interface Summary {
  readonly faults: number
  readonly kinds: readonly KindSummary[]
  readonly recovery: Distribution
  readonly never: number
  readonly quickEnough: boolean
  readonly checkouts: number
  readonly violations: readonly string[]
  /** What the violation rate per fault is below, with 95 % confidence, when there was none. */
  readonly rateBelow: number
  readonly seconds: number
  /** Mean load of the machine for each core; recovery times mean little above 1. */
  readonly machineLoad: number
}

const recoveries = (records: readonly FaultRecord[]) =>
  records.flatMap(({ recoveryMs, overshadowed }) => (overshadowed || recoveryMs === null ? [] : [recoveryMs]))

const countNever = (records: readonly FaultRecord[]) => records.filter(({ recoveryMs }) => recoveryMs === null).length

/** The numbers of a campaign, from what it has written down. */
export function summarise({ faults, seconds, checks }: JournalContent): Summary {
  const recovery = distributionOf(recoveries(faults))
  const never = countNever(faults)
  return {
    faults: faults.length,
    kinds: [...groupBy(faults, ({ kind }) => kind)]
      .map(([kind, records]) => ({
        kind,
        faults: records.length,
        recovery: distributionOf(recoveries(records)),
        never: countNever(records),
      }))
      .toSorted((a, b) => a.kind.localeCompare(b.kind)),
    recovery,
    never,
    quickEnough: never === 0 && recovery.p95 <= P95_LIMIT_MS && recovery.p99 <= P99_LIMIT_MS,
    checkouts: checks.findLast(({ counts }) => 'checkouts' in counts)?.counts['checkouts'] ?? 0,
    violations: checks.flatMap(({ invariant, violations }) => violations.map((one) => `${invariant}: ${one}`)),
    rateBelow: ruleOfThree(faults.length),
    seconds: seconds.length,
    machineLoad:
      Math.round((seconds.reduce((sum, { load }) => sum + load, 0) / Math.max(1, seconds.length)) * 100) / 100,
  }
}
