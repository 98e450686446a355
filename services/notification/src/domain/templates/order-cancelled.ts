import type { CancelReason } from '@micromart/contracts/order'
import type { Letter } from '../letter.ts'
import type { MailContent } from './mail-content.ts'

const why: Readonly<Record<CancelReason, string>> = {
  customer: 'You asked us to cancel it.',
  'out-of-stock':
    'Something in it is no longer in stock in the quantity you ordered, and we do not send half an order.',
  'stock-timeout': 'We could not make sure in time that everything in it is in stock.',
  'payment-declined': 'The payment was declined.',
  'payment-timeout': 'The payment was not completed in time.',
}

/** Whether money had been taken yet is known to payment alone, so nothing more is promised than what holds in each case. */
export const orderCancelled = ({
  number,
  reason,
  wasConfirmed,
}: Extract<Letter, { template: 'order-cancelled' }>): MailContent => ({
  subject: `Your order ${number} is cancelled`,
  paragraphs: [
    `Your order ${number} is cancelled. ${why[reason]}`,
    wasConfirmed
      ? 'Whatever you have paid for it is on its way back to you; we write again when it is refunded.'
      : 'You pay nothing for it. An amount that your bank may show as reserved is released.',
  ],
})
