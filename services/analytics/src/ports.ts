import type { OrderedLine } from '@micromart/contracts/message'
import type { Money } from '@micromart/kernel/money'
import type { Transaction } from '@micromart/postgres/database'
import type { Period } from './domain/period.ts'

export interface Sale {
  readonly orderId: string
  /** RFC 3339. */
  readonly confirmedAt: string
  /** What was charged. */
  readonly total: Money
  readonly lines: readonly OrderedLine[]
}

export interface Refund {
  readonly orderId: string
  /** RFC 3339. */
  readonly refundedAt: string
  readonly amount: Money
}

/** What was sold and refunded in a currency, on one day or in all. */
export interface Figures {
  readonly currency: string
  readonly orders: number
  readonly revenueMinor: number
  readonly refundedOrders: number
  readonly refundedMinor: number
}

export interface TopProduct {
  readonly sku: string
  readonly title: string
  readonly currency: string
  readonly quantity: number
  readonly revenueMinor: number
}

export interface SalesBook {
  /** Facts that are known already are left as they are. */
  addSales(tx: Transaction, sales: readonly Sale[]): Promise<void>
  addRefunds(tx: Transaction, refunds: readonly Refund[]): Promise<void>
  /** Days with sales or refunds, oldest first. */
  days(period: Period): Promise<readonly (Figures & { readonly day: string })[]>
  topProducts(period: Period, limit: number): Promise<readonly TopProduct[]>
}
