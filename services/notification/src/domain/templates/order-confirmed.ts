import type { Addressee, Letter } from '../letter.ts'
import { oneLine } from '../plain.ts'
import { billOf, type MailContent } from './mail-content.ts'

export const orderConfirmed = (
  { number, total, ...bought }: Extract<Letter, { template: 'order-confirmed' }>,
  { name, postalLines }: Addressee,
): MailContent => ({
  subject: `Your order ${number} is confirmed`,
  paragraphs: [`Thank you for your order ${number}. It is paid for, and we are getting it ready.`],
  bill: billOf(bought, { what: 'Total', amount: total }),
  ...(postalLines.length > 0
    ? { address: { title: 'It goes to', lines: [name, ...postalLines].map(oneLine).filter((line) => line !== '') } }
    : {}),
})
