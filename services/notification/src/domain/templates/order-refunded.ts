import { formatMoney } from '@micromart/kernel/money'
import type { Letter } from '../letter.ts'
import { billOf, type MailContent } from './mail-content.ts'

export const orderRefunded = ({
  number,
  amount,
  ...bought
}: Extract<Letter, { template: 'order-refunded' }>): MailContent => ({
  subject: `Your order ${number} is refunded`,
  paragraphs: [
    amount.minor === 0
      ? `Your order ${number} cost you nothing, so there is nothing to pay back.`
      : `We have refunded ${formatMoney(amount)} for your order ${number}, the way you paid. Banks may take a few days to show it.`,
  ],
  bill: billOf(bought, { what: 'Refunded', amount }),
})
