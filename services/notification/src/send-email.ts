import type { Addressee } from './domain/letter.ts'
import { renderMail } from './domain/templates/render-mail.ts'
import { emailTimer } from './email-timer.ts'
import type { Contacts, Emails, MailPort } from './ports.ts'
import { type EmailToSend, SEND_EMAIL } from './queue-emails.ts'

/** Mails about an order. */
export const sendEmail = (parts: { emails: Emails; contacts: Contacts; mail: MailPort }) =>
  emailTimer<EmailToSend, Addressee>({
    ...parts,
    kind: SEND_EMAIL,
    write: ({ letter, orderId }, addressee) => ({
      ...renderMail(letter, addressee),
      template: letter.template,
      orderId,
    }),
  })
