import type { TimerHandler } from '@micromart/postgres/timers'
import { emailDelivery } from './deliver-email.ts'
import { oneLine } from './domain/plain.ts'
import type { Emails, MailPort, Outcome, OutgoingMail } from './ports.ts'

/** What sends all mails of one kind. */
export interface EmailTimerParts<Data, Addressee> {
  readonly kind: string
  readonly emails: Emails
  /** Asked anew at each try; undefined when there is nobody to write to, or nothing to say any more. */
  readonly contacts: { find(data: Data): Promise<Addressee | undefined> }
  readonly mail: MailPort
  readonly write: (data: Data, addressee: Addressee) => Omit<OutgoingMail, 'id' | 'to'>
}

/** Writes a mail and hands it over, again and again until it is taken or can never be. */
export function emailTimer<Data, Addressee extends { readonly name: string; readonly email: string }>(
  parts: EmailTimerParts<Data, Addressee>,
): TimerHandler<Data, Outcome> {
  const { kind, emails, contacts, mail, write } = parts
  const deliver = emailDelivery(parts)
  return {
    kind,
    leaseMs: mail.leaseMs,
    perform: async ({ subject: id, data }) => {
      const addressee = await contacts.find(data)
      if (!addressee) return { status: 'undeliverable', reason: 'no-contact' }
      const to = { name: oneLine(addressee.name), address: addressee.email }
      return deliver({ ...write(data, addressee), id, to })
    },
    settle: (tx, done) =>
      emails.settle(
        tx,
        done.map(({ timer, outcome }) => ({ id: timer.subject, outcome })),
      ),
  }
}
