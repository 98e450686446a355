import type { MessageType } from '@micromart/contracts/message'
import {
  EmailChangeRequested,
  EmailVerificationRequested,
  ErasureLinkRequested,
  PasswordResetRequested,
} from '@micromart/contracts/user'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { err, ok, type Refusal, type Result } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { AnyTimerHandler, TimerHandler, Timers } from '@micromart/postgres/timers'
import type { WorkContext } from '@micromart/telemetry/context'
import type { AccountLinks, OpenAccount } from './account-ports.ts'
import {
  type AccountLink,
  LINK_KEPT_MS,
  LINK_WINDOW_MS,
  type LinkLifetimes,
  type LinkPurpose,
  MOST_LINKS,
} from './domain/account-link.ts'

const FORGET_LINK = 'forget-link'

const requested = {
  'verify-email': EmailVerificationRequested,
  'reset-password': PasswordResetRequested,
  'change-email': EmailChangeRequested,
  'erase-person': ErasureLinkRequested,
} satisfies Record<LinkPurpose, unknown>

export type TooManyMails = Refusal<'user.too-many-mails'> & { readonly waitMs: number }

export interface LinkWish {
  /** Locked, or made in this transaction. */
  readonly account: Pick<OpenAccount, 'id' | 'email'>
  readonly purpose: LinkPurpose
  /** Where it goes; default the account's address. */
  readonly newEmail?: string
  /** What tells notification of it; default the message of the purpose. */
  readonly message?: MessageType<{ userId: string; linkId: string }>
  /** Most links of the purpose within an hour, default `MOST_LINKS`. */
  readonly most?: number
  /** What asked for it, where one transaction serves many. */
  readonly context?: WorkContext
}

/** Decides in the caller's transaction that a link will be mailed. No account gets more than five of a kind in an hour. */
export type MailLink = (tx: Transaction, wish: LinkWish) => Promise<Result<AccountLink, TooManyMails>>

export function linkMailer(parts: {
  links: AccountLinks
  lifetimes: LinkLifetimes
  timers: Timers
  outbox: Outbox
  ids: Ids
  clock: Clock
}): {
  mailLink: MailLink
  forgetLinks: AnyTimerHandler
} {
  const { links, lifetimes, timers, outbox, ids, clock } = parts

  const mailLink: MailLink = async (tx, { account, purpose, context, ...wish }) => {
    const { newEmail, message = requested[purpose], most = MOST_LINKS } = wish
    const createdAt = clock.now()
    const later = (ms: number) => new Date(createdAt.getTime() + ms)
    const since = later(-LINK_WINDOW_MS)
    if ((await links.countSince(tx, { userId: account.id, purpose, since })) >= most)
      return err({
        code: 'user.too-many-mails' as const,
        detail: 'Enough such mails were sent to this account already; try again later',
        waitMs: LINK_WINDOW_MS,
      })
    const expiresAt = later(lifetimes[purpose])
    const userId = account.id
    const emails = { email: newEmail ?? account.email, previousEmail: newEmail === undefined ? null : account.email }
    const link = { id: ids.next(), userId, purpose, ...emails, createdAt, expiresAt }
    links.add(tx, link)
    const dueAt = later(lifetimes[purpose] + LINK_KEPT_MS)
    const forget = { id: `${FORGET_LINK}:${link.id}`, kind: FORGET_LINK, subject: link.id, data: {}, dueAt, context }
    await timers.schedule(tx, [forget])
    await outbox.add(tx, [send(message, { userId, linkId: link.id }, context)])
    return ok({ ...link, endedAt: null })
  }

  const forgetLinks: TimerHandler = {
    kind: FORGET_LINK,
    settle: async (tx, done) =>
      links.forget(
        tx,
        done.map(({ timer }) => timer.subject),
      ),
  }
  return { mailLink, forgetLinks }
}
