import type { TimerHandler } from '@micromart/postgres/timers'
import { emailDelivery } from './deliver-email.ts'
import { oneLine } from './domain/plain.ts'
import { renderMail } from './domain/templates/render-mail.ts'
import type { Contacts, Emails, MailPort, Outcome } from './ports.ts'
import { type EmailToSend, SEND_EMAIL } from './queue-emails.ts'

/** Writes a mail about an order and hands it over, again and again until it is taken or can never be. */
export function sendEmail(parts: {
  emails: Emails
  contacts: Contacts
  mail: MailPort
}): TimerHandler<EmailToSend, Outcome> {
  const { emails, contacts, mail } = parts
  const deliver = emailDelivery(parts)
  return {
    kind: SEND_EMAIL,
    leaseMs: mail.leaseMs,
    perform: async ({ subject: id, data }) => {
      const { orderId, letter } = data
      const addressee = await contacts.find(data)
      if (!addressee) return { status: 'undeliverable', reason: 'no-contact' }
      const to = { name: oneLine(addressee.name), address: addressee.email }
      return deliver({ ...renderMail(letter, addressee), id, to, template: letter.template, orderId })
    },
    settle: (tx, done) =>
      emails.settle(
        tx,
        done.map(({ timer, outcome }) => ({ id: timer.subject, outcome })),
      ),
  }
}
