import type { AppliedDiscount, OrderedLine } from '@micromart/contracts/message'
import type { Money } from '@micromart/kernel/money'
import type { OrderEvent } from './domain/order.ts'

/** An order as its readers see it. */
export interface OrderView {
  readonly orderId: string
  readonly customerId: string | null
  readonly guestTokenHash: string | null
  readonly status: 'placed' | 'awaiting-payment' | 'confirmed' | 'cancelled' | 'refunded'
  readonly reason: string | null
  /** Where the customer has to confirm the payment, while that is asked for. */
  readonly actionUrl: string | null
  readonly lines: readonly OrderedLine[]
  /** What is charged: the lines less the discount. */
  readonly total: Money
  /** Null without a coupon. */
  readonly discount: AppliedDiscount | null
  readonly refundedMinor: number
  readonly placedAt: Date
  readonly updatedAt: Date
}

export interface TimelineEntry {
  readonly version: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly at: Date
  readonly causationId: string
  readonly correlationId: string
  readonly traceId: string | null
}

export interface OrderViews {
  find(orderId: string): Promise<OrderView | undefined>
  /** A customer's orders, newest first; `before` is the last id of the page before. */
  listFor(customerId: string, page: { before: string | undefined; limit: number }): Promise<readonly OrderView[]>
  timeline(orderId: string): Promise<readonly TimelineEntry[]>
}

/** An event as those hear it who follow its order. */
export interface OrderStep {
  /** 1 for the first event of an order, without gaps. */
  readonly version: number
  readonly event: OrderEvent
  readonly at: Date
}

/** What has happened to orders, whichever instance wrote it. */
export interface OrderSteps {
  /** By order, what came after the version given for it; an order of which there is nothing new is absent. */
  after(versions: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, readonly OrderStep[]>>
}

/** Checkouts that were accepted but have not arrived here yet: the cart service knows them. */
export interface AcceptedCheckouts {
  /** Undefined when there is none. @throws a 503 problem when nobody can tell now */
  find(orderId: string): Promise<OrderView | undefined>
}
