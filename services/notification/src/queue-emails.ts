import type { Clock } from '@micromart/kernel/clock'
import type { Transaction } from '@micromart/postgres/database'
import type { Timers } from '@micromart/postgres/timers'
import type { WorkContext } from '@micromart/telemetry/context'
import { emailId, type Letter } from './domain/letter.ts'
import type { Emails } from './ports.ts'

export const SEND_EMAIL = 'send-email'

/** What the timer carries: ids and the letter, nothing personal. */
export interface EmailToSend {
  readonly orderId: string
  readonly customerId: string | null
  readonly letter: Letter
}

export type QueueEmails = (
  tx: Transaction,
  wanted: readonly (EmailToSend & { context: WorkContext })[],
) => Promise<void>

/** Decides once per order and template that a mail will be sent, in the transaction of the message that asks for it. */
export const emailQueue =
  ({ emails, timers, clock }: { emails: Emails; timers: Timers; clock: Clock }): QueueEmails =>
  async (tx, wanted) => {
    const known = new Map(wanted.map((email) => [emailId(email.letter.template, email.orderId), email]))
    const rows = [...known].map(([id, { orderId, letter }]) => ({ id, about: orderId, template: letter.template }))
    const fresh = await emails.add(tx, rows)
    const dueAt = clock.now()
    await timers.schedule(
      tx,
      [...known].flatMap(([id, { context, ...data }]) =>
        fresh.has(id) ? [{ id: `${SEND_EMAIL}:${id}`, kind: SEND_EMAIL, subject: id, data, dueAt, context }] : [],
      ),
    )
  }
