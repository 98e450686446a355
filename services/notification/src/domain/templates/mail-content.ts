import type { OrderedLine } from '@micromart/contracts/message'
import { formatMoney, type Money, multiplyMoney } from '@micromart/kernel/money'
import { oneLine } from '../plain.ts'

/** What a mail says, before it is set as text or as HTML. */
export interface MailContent {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly bill?: Bill
  readonly address?: { readonly title: string; readonly lines: readonly string[] }
}

export interface Bill {
  readonly rows: readonly { readonly what: string; readonly amount: string }[]
  readonly sum: { readonly what: string; readonly amount: string }
}

export const billOf = (lines: readonly OrderedLine[], sum: { what: string; amount: Money }): Bill => ({
  rows: lines.map(({ quantity, title, sku, unitPrice }) => ({
    what: `${quantity} × ${oneLine(title)} (${oneLine(sku)})`,
    amount: formatMoney(multiplyMoney(unitPrice, quantity)),
  })),
  sum: { what: sum.what, amount: formatMoney(sum.amount) },
})
