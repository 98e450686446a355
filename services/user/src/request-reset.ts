import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, Timers } from '@micromart/postgres/timers'
import type { OpenAccounts } from './account-ports.ts'
import { lookLater } from './look-later.ts'
import type { MailLink } from './mail-links.ts'

/** `email` is normalised. */
export type RequestReset = (tx: Transaction, email: string) => Promise<void>

/** Mails a link that sets a new password, if the address has an account. */
export function resetRequests(parts: {
  accounts: Pick<OpenAccounts, 'lockByEmail'>
  mailLink: MailLink
  timers: Timers
  audit: AuditLog
  ids: Ids
  clock: Clock
}): { requestReset: RequestReset; mailResets: AnyTimerHandler } {
  const { accounts, mailLink, ids } = parts

  const { ask, timer } = lookLater<{ readonly email: string }>(
    { ...parts, kind: 'request-password-reset' },
    async (tx, { data: { email }, context }) => {
      const account = await accounts.lockByEmail(tx, email)
      const mailed = account && (await mailLink(tx, { account, purpose: 'reset-password', context }))
      // one who has had enough such mails gets no more, and nobody is told
      if (!mailed?.ok) return []
      const { userId, id: linkId } = mailed.value
      return [{ action: 'user.password-reset-requested', userId, linkId }]
    },
  )

  return { requestReset: (tx, email) => ask(tx, ids.next(), { email }), mailResets: timer }
}
