import { formatMoney } from '@micromart/kernel/money'
import type { Letter } from '../letter.ts'
import { billOf, type MailContent } from './mail-content.ts'

export const orderRefunded = ({
  number,
  lines,
  amount,
}: Extract<Letter, { template: 'order-refunded' }>): MailContent => ({
  subject: `Your order ${number} is refunded`,
  paragraphs: [
    `We have refunded ${formatMoney(amount)} for your order ${number}, the way you paid. Banks may take a few days to show it.`,
  ],
  bill: billOf(lines, { what: 'Refunded', amount }),
})
