import type { AppliedDiscount, OrderedLine } from '@micromart/contracts/message'
import { formatMoney, type Money, multiplyMoney } from '@micromart/kernel/money'
import { oneLine } from '../plain.ts'

/** What a mail says, before it is set as text or as HTML. */
export interface MailContent {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly bill?: Bill
  /** Something to open, in a line of its own. */
  readonly link?: { readonly title: string; readonly url: string }
  /** After everything else. */
  readonly closing?: readonly string[]
  readonly address?: { readonly title: string; readonly lines: readonly string[] }
}

export interface Bill {
  readonly rows: readonly { readonly what: string; readonly amount: string }[]
  readonly sum: { readonly what: string; readonly amount: string }
}

export interface Billed {
  readonly lines: readonly OrderedLine[]
  readonly discount?: AppliedDiscount
}

/** Every line, what a coupon took off, and the sum as it was charged: it is told, not added up again. */
export const billOf = ({ lines, discount }: Billed, sum: { what: string; amount: Money }): Bill => ({
  rows: [
    ...lines.map(({ quantity, title, sku, unitPrice }) => ({
      what: `${quantity} × ${oneLine(title)} (${oneLine(sku)})`,
      amount: formatMoney(multiplyMoney(unitPrice, quantity)),
    })),
    ...(discount ? [discountRow(discount)] : []),
  ],
  sum: { what: sum.what, amount: formatMoney(sum.amount) },
})

const discountRow = ({ couponCode, amount }: AppliedDiscount) => ({
  what: `Coupon ${oneLine(couponCode)}`,
  amount: amount.minor === 0 ? formatMoney(amount) : `-${formatMoney(amount)}`,
})
