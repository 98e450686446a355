import type { TimerHandler } from '@micromart/postgres/timers'
import { emailDelivery } from './deliver-email.ts'
import { oneLine } from './domain/plain.ts'
import { renderAccountMail } from './domain/templates/render-mail.ts'
import type { AccountContacts, Emails, MailPort, Outcome } from './ports.ts'
import { type AccountEmailToSend, SEND_ACCOUNT_EMAIL } from './queue-account-emails.ts'

/** Writes a mail about an account and hands it over. One whose link is of no use any more when its turn comes is not written. */
export function sendAccountEmail(parts: {
  emails: Emails
  contacts: AccountContacts
  mail: MailPort
}): TimerHandler<AccountEmailToSend, Outcome> {
  const { emails, contacts, mail } = parts
  const deliver = emailDelivery(parts)
  return {
    kind: SEND_ACCOUNT_EMAIL,
    leaseMs: mail.leaseMs,
    perform: async ({ subject: id, data }) => {
      const { template } = data
      const addressee = await contacts.find(data)
      if (!addressee) return { status: 'undeliverable', reason: 'no-contact' }
      const to = { name: oneLine(addressee.name), address: addressee.email }
      return deliver({ ...renderAccountMail(template, addressee), id, to, template, orderId: null })
    },
    settle: (tx, done) =>
      emails.settle(
        tx,
        done.map(({ timer, outcome }) => ({ id: timer.subject, outcome })),
      ),
  }
}
