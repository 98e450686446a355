import type { AccountAddressee, AccountTemplate } from '../account-letter.ts'
import type { Addressee, Letter } from '../letter.ts'
import { oneLine } from '../plain.ts'
import { accountMail } from './account-mails.ts'
import type { MailContent } from './mail-content.ts'
import { orderCancelled } from './order-cancelled.ts'
import { orderConfirmed } from './order-confirmed.ts'
import { orderRefunded } from './order-refunded.ts'
import { setAsHtml, setAsText } from './set-mail.ts'

export interface RenderedMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The whole mail, the same words as text and as HTML. */
export function renderMail(letter: Letter, addressee: Addressee): RenderedMail {
  return setFor(addressee, contentOf({ ...letter, number: oneLine(letter.number) }, addressee))
}

export const renderAccountMail = (template: AccountTemplate, addressee: AccountAddressee): RenderedMail =>
  setFor(addressee, accountMail(template, addressee))

function setFor(addressee: { readonly name: string }, content: MailContent): RenderedMail {
  const name = oneLine(addressee.name)
  return { subject: content.subject, text: setAsText(content, name), html: setAsHtml(content, name) }
}

function contentOf(letter: Letter, addressee: Addressee): MailContent {
  switch (letter.template) {
    case 'order-confirmed':
      return orderConfirmed(letter, addressee)
    case 'order-cancelled':
      return orderCancelled(letter)
    case 'order-refunded':
      return orderRefunded(letter)
  }
}
