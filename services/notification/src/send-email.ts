import type { ClaimedTimer, TimerHandler } from '@micromart/postgres/timers'
import { isMailable, oneLine } from './domain/plain.ts'
import { renderMail } from './domain/templates/render-mail.ts'
import type { Contacts, Emails, HandOver, MailPort, Outcome, OutgoingMail } from './ports.ts'
import { type EmailToSend, SEND_EMAIL } from './queue-emails.ts'

/** Writes a mail and hands it over, again and again until it is taken or can never be. */
export function sendEmail({
  emails,
  contacts,
  mail,
}: {
  emails: Emails
  contacts: Contacts
  mail: MailPort
}): TimerHandler<EmailToSend, Outcome> {
  /** A hand-over that nobody saw the end of stays counted, so a mail that may have gone twice is known. */
  const handOver = async (letter: OutgoingMail): Promise<HandOver> => {
    if (mail.recognisesRepeats) return mail.handOver(letter)
    await emails.noteHandOver(letter.id)
    const result = await mail.handOver(letter)
    if (result.kind === 'not-taken' || result.kind === 'recipient-refused') await emails.takeBackHandOver(letter.id)
    return result
  }

  const perform = async ({ subject: id, data }: ClaimedTimer<EmailToSend>): Promise<Outcome> => {
    const { orderId, letter } = data
    const addressee = await contacts.find(data)
    if (!addressee) return { status: 'undeliverable', reason: 'no-contact' }
    if (!isMailable(addressee.email)) return { status: 'undeliverable', reason: 'bad-address' }
    const to = { name: oneLine(addressee.name), address: addressee.email }
    const result = await handOver({ ...renderMail(letter, addressee), id, to, template: letter.template, orderId })
    switch (result.kind) {
      case 'taken':
        return { status: 'sent' }
      case 'recipient-refused':
        return { status: 'undeliverable', reason: 'recipient-refused' }
      case 'not-taken':
      case 'unknown':
        throw new Error(`The mail was not handed over: ${result.detail}`)
    }
  }

  return {
    kind: SEND_EMAIL,
    leaseMs: mail.leaseMs,
    perform,
    settle: (tx, done) =>
      emails.settle(
        tx,
        done.map(({ timer, outcome }) => ({ id: timer.subject, outcome })),
      ),
  }
}
