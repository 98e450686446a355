import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, Timers } from '@micromart/postgres/timers'
import type { AccountLinks, ClosedAccounts } from './account-ports.ts'
import type { AccountLink } from './domain/account-link.ts'
import type { Erasure, ErasureRefusal } from './erasure.ts'
import { type Found, lookLater } from './look-later.ts'
import type { MailLink } from './mail-links.ts'
import { type LinkRefusal, linkInvalid } from './open-link.ts'

type Started<R extends Refusal> = Result<{ readonly receiptToken: string }, R | ErasureRefusal>

export interface ClosedErasure {
  /** Mails a link for every closed account of the address, and says nothing; `email` is normalised. */
  requestLink(tx: Transaction, email: string): Promise<void>
  readonly mailErasureLinks: AnyTimerHandler
  /** By whoever reads the mail of the account that was closed. */
  confirm(tx: Transaction, link: AccountLink): Promise<Started<LinkRefusal>>
  /** By somebody of the shop, for a person who asked by letter or telephone. */
  start(
    tx: Transaction,
    start: { userId: string; actor: string },
  ): Promise<Started<Refusal<'user.unknown' | 'user.account-open'>>>
}

/** Nobody signs in to an account that is closed, so its owner asks to be forgotten by mail, or has staff ask. */
export function closedErasures(parts: {
  closed: ClosedAccounts
  links: AccountLinks
  mailLink: MailLink
  erasure: Erasure
  timers: Timers
  audit: AuditLog
  ids: Ids
  clock: Clock
}): ClosedErasure {
  const { closed, links, mailLink, erasure, ids } = parts

  const { ask, timer } = lookLater<{ readonly email: string }>(
    { ...parts, kind: 'request-erasure' },
    async (tx, { data: { email }, context }) => {
      const found: Found[] = []
      for (const account of await closed.lockByEmail(tx, email)) {
        const mailed = await mailLink(tx, { account, purpose: 'erase-person', context })
        if (mailed.ok)
          found.push({ action: 'user.erasure-link-requested', userId: account.id, linkId: mailed.value.id })
      }
      return found
    },
  )

  return {
    requestLink: (tx, email) => ask(tx, ids.next(), { email }),
    mailErasureLinks: timer,

    confirm: async (tx, { id, userId }) => {
      const state = await closed.lock(tx, userId)
      if (state !== 'closed' || !(await links.use(tx, id))) return linkInvalid
      return erasure.request(tx, { userId, actor: userId })
    },

    start: async (tx, { userId, actor }) => {
      const state = await closed.lock(tx, userId)
      if (!state) return refuse('user.unknown', 'There is no such user')
      if (state === 'open')
        return refuse('user.account-open', 'This account is open: its owner can ask for it, or close it first')
      return erasure.request(tx, { userId, actor })
    },
  }
}
