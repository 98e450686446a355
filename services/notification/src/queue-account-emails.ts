import type { Clock } from '@micromart/kernel/clock'
import type { Transaction } from '@micromart/postgres/database'
import type { Timers } from '@micromart/postgres/timers'
import type { WorkContext } from '@micromart/telemetry/context'
import type { AccountTemplate } from './domain/account-letter.ts'
import type { Emails } from './ports.ts'

export const SEND_ACCOUNT_EMAIL = 'send-account-email'

/** What the timer carries: ids, nothing personal and no secret. */
export interface AccountEmailToSend {
  readonly template: AccountTemplate
  readonly userId: string
  /** The link that the mail carries or tells of; empty without one. */
  readonly linkId: string
}

export type QueueAccountEmails = (
  tx: Transaction,
  wanted: readonly (AccountEmailToSend & {
    /** What happened: of each kind there is one mail about it. */
    readonly causeId: string
    readonly context: WorkContext
  })[],
) => Promise<void>

/** Decides once per cause and template that a mail will be sent, in the transaction of the message that asks for it. */
export const accountEmailQueue =
  ({ emails, timers, clock }: { emails: Emails; timers: Timers; clock: Clock }): QueueAccountEmails =>
  async (tx, wanted) => {
    const known = new Map(wanted.map((email) => [`${email.template}:${email.causeId}`, email]))
    const rows = [...known].map(([id, { userId, template }]) => ({ id, about: userId, template }))
    const fresh = await emails.add(tx, rows)
    const dueAt = clock.now()
    await timers.schedule(
      tx,
      [...known].flatMap(([id, { template, userId, linkId, context }]) => {
        const data: AccountEmailToSend = { template, userId, linkId }
        const timer = { id: `${SEND_ACCOUNT_EMAIL}:${id}`, kind: SEND_ACCOUNT_EMAIL, subject: id, data, dueAt, context }
        return fresh.has(id) ? [timer] : []
      }),
    )
  }
