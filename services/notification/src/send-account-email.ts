import type { AccountAddressee } from './domain/account-letter.ts'
import { renderAccountMail } from './domain/templates/render-mail.ts'
import { emailTimer } from './email-timer.ts'
import type { AccountContacts, Emails, MailPort } from './ports.ts'
import { type AccountEmailToSend, SEND_ACCOUNT_EMAIL } from './queue-account-emails.ts'

/** Mails about an account. One whose link is of no use any more when its turn comes finds no addressee, and is not written. */
export const sendAccountEmail = (parts: { emails: Emails; contacts: AccountContacts; mail: MailPort }) =>
  emailTimer<AccountEmailToSend, AccountAddressee>({
    ...parts,
    kind: SEND_ACCOUNT_EMAIL,
    write: ({ template }, addressee) => ({ ...renderAccountMail(template, addressee), template, orderId: null }),
  })
