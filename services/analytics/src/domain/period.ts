import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

/** Whole days in UTC, both included, as YYYY-MM-DD. */
export interface Period {
  readonly from: string
  readonly to: string
}

const DAY_MS = 86_400_000
const MOST_DAYS = 366
const DEFAULT_DAYS = 30

export type PeriodRefusal = Refusal<'analytics.bad-period'>

/** The period that is asked for; without one the last 30 days up to `today`. At most 366 days. */
export function periodOf(asked: { from?: string; to?: string }, today: string): Result<Period, PeriodRefusal> {
  const to = asked.to ?? today
  const toMs = instantOf(to)
  if (toMs === undefined) return refuse('analytics.bad-period', '"to" is not a day such as 2026-11-21')
  const from = asked.from ?? new Date(toMs - (DEFAULT_DAYS - 1) * DAY_MS).toISOString().slice(0, 10)
  const fromMs = instantOf(from)
  if (fromMs === undefined) return refuse('analytics.bad-period', '"from" is not a day such as 2026-11-21')
  const days = (toMs - fromMs) / DAY_MS + 1
  if (days < 1 || days > MOST_DAYS)
    return refuse('analytics.bad-period', `Ask for 1 to ${MOST_DAYS} days, the first one first`)
  return ok({ from, to })
}

/** The database's calendar begins with the year 1. */
const DAY = /^(?!0000)\d{4}-\d{2}-\d{2}$/

function instantOf(day: string): number | undefined {
  if (!DAY.test(day)) return undefined
  const ms = Date.parse(`${day}T00:00:00.000Z`)
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== day ? undefined : ms
}
