import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, ClaimedTimer, TimerHandler, Timers } from '@micromart/postgres/timers'
import type { OpenAccounts } from './account-ports.ts'
import type { MailLink } from './mail-links.ts'

const REQUEST_RESET = 'request-password-reset'

interface ResetRequest {
  readonly email: string
}

/** `email` is normalised. */
export type RequestReset = (tx: Transaction, email: string) => Promise<void>

/**
 * Whether an address has an account is looked at behind the answer, by a timer: who asks gets the same answer after the same work, one row
 * written, whatever the address is. The row has the address and goes when it was looked at.
 */
export function resetRequests(parts: {
  accounts: OpenAccounts
  mailLink: MailLink
  timers: Timers
  audit: AuditLog
  ids: Ids
  clock: Clock
}): { requestReset: RequestReset; mailResets: AnyTimerHandler } {
  const { accounts, mailLink, timers, audit, ids, clock } = parts

  const mailOne = async (tx: Transaction, { data: { email }, context }: ClaimedTimer<ResetRequest>) => {
    const account = await accounts.lockByEmail(tx, email)
    const mailed = account && (await mailLink(tx, { account, purpose: 'reset-password', context }))
    // one who has had enough such mails gets no more, and nobody is told
    return mailed?.ok ? mailed.value : undefined
  }

  const mailResets: TimerHandler<ResetRequest> = {
    kind: REQUEST_RESET,
    settle: async (tx, done) => {
      // one order for all, so that no two wait for each other's accounts
      const sorted = done.map(({ timer }) => timer).toSorted((a, b) => (a.data.email < b.data.email ? -1 : 1))
      const mailed = []
      for (const timer of sorted) mailed.push(await mailOne(tx, timer))
      for (const link of mailed)
        if (link)
          await audit.append(tx, {
            actor: 'anonymous',
            action: 'user.password-reset-requested',
            subject: link.userId,
            details: { linkId: link.id },
          })
    },
  }

  return {
    requestReset: async (tx, email) => {
      const id = ids.next()
      const data: ResetRequest = { email }
      await timers.schedule(tx, [
        { id: `${REQUEST_RESET}:${id}`, kind: REQUEST_RESET, subject: id, data, dueAt: clock.now() },
      ])
    },
    mailResets,
  }
}
