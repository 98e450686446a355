import type { Clock } from '@micromart/kernel/clock'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, ClaimedTimer, TimerHandler, Timers } from '@micromart/postgres/timers'

/** What came of a look, for the audit log. */
export interface Found {
  readonly action: string
  readonly userId: string
  readonly linkId?: string | undefined
}

export type AskToLook<Data> = (tx: Transaction, id: string, data: Data) => Promise<void>

/**
 * Whether an address has an account is looked at behind the answer, by a timer: who asks gets the same answer after the same work, one row
 * written, whatever the address is. The row has the address and goes when it was looked at.
 */
export function lookLater<Data extends { readonly email: string }>(
  parts: { kind: string; timers: Timers; audit: AuditLog; clock: Clock },
  look: (tx: Transaction, timer: ClaimedTimer<Data>) => Promise<readonly Found[]>,
): { ask: AskToLook<Data>; timer: AnyTimerHandler } {
  const { kind, timers, audit, clock } = parts

  const timer: TimerHandler<Data> = {
    kind,
    settle: async (tx, done) => {
      // one order for all, so that no two wait for each other's accounts
      const sorted = done.map((one) => one.timer).toSorted((a, b) => (a.data.email < b.data.email ? -1 : 1))
      const found: Found[] = []
      for (const one of sorted) found.push(...(await look(tx, one)))
      for (const { action, userId: subject, linkId } of found)
        await audit.append(tx, { actor: 'anonymous', action, subject, details: linkId === undefined ? {} : { linkId } })
    },
  }

  const ask: AskToLook<Data> = (tx, id, data) =>
    timers.schedule(tx, [{ id: `${kind}:${id}`, kind, subject: id, data, dueAt: clock.now() }])

  return { ask, timer }
}
