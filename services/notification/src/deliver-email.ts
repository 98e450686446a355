import { isMailable } from './domain/plain.ts'
import type { Emails, HandOver, MailPort, Outcome, OutgoingMail } from './ports.ts'

/** Hands one mail over. @throws when it was not taken, or nobody knows: again later */
export type DeliverEmail = (letter: OutgoingMail) => Promise<Outcome>

/** A hand-over that nobody saw the end of stays counted, so a mail that may have gone twice is known. */
export function emailDelivery({ emails, mail }: { emails: Emails; mail: MailPort }): DeliverEmail {
  const handOver = async (letter: OutgoingMail): Promise<HandOver> => {
    if (mail.recognisesRepeats) return mail.handOver(letter)
    await emails.noteHandOver(letter.id)
    const result = await mail.handOver(letter)
    if (result.kind === 'not-taken' || result.kind === 'recipient-refused') await emails.takeBackHandOver(letter.id)
    return result
  }

  return async (letter) => {
    if (!isMailable(letter.to.address)) return { status: 'undeliverable', reason: 'bad-address' }
    const result = await handOver(letter)
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
}
