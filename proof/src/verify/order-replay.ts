import type { Books } from './books.ts'

/** What a line of an order costs. */
export interface LoggedLine {
  readonly lineId: string
  readonly sku: string
  readonly title: string
  readonly quantity: number
  readonly unitPrice: { readonly minor: number; readonly currency: string }
}

interface Purchase {
  readonly cartId: string
  readonly customerId: string | null
  readonly guestTokenHash: string | null
  readonly lines: readonly LoggedLine[]
  readonly total: { readonly minor: number; readonly currency: string }
  readonly discount?: { readonly couponCode: string; readonly amount: { readonly minor: number } }
}

interface Logged {
  readonly stream_id: string
  readonly version: number
  readonly type: string
  readonly data: {
    readonly purchase?: Purchase
    readonly reason?: string
    readonly actionUrl?: string
    readonly confirmedAt?: string
    readonly amount?: { readonly minor: number; readonly currency: string }
  }
  readonly at: Date
}

/** An order as its events tell it. */
export interface ReplayedOrder {
  readonly orderId: string
  readonly purchase: Purchase
  readonly status: 'placed' | 'awaiting-payment' | 'confirmed' | 'cancelled' | 'refunded'
  readonly reason: string | null
  readonly actionUrl: string | null
  readonly refunded: { readonly minor: number; readonly currency: string; readonly at: Date } | null
  readonly confirmedAt: string | null
  readonly wasCancelled: boolean
  readonly version: number
  readonly placedAt: Date
  readonly updatedAt: Date
}

export interface OrderReplay {
  readonly orders: ReadonlyMap<string, ReplayedOrder>
  readonly events: number
  /** What is wrong with the log itself. */
  readonly violations: readonly string[]
}

const LOG = 'SELECT stream_id, version, type, data, at FROM event_log ORDER BY stream_id, version'

/** Folds the event log of the order service from nothing; written from the meaning of the events, not from the service. */
export async function replayOrders(books: Books): Promise<OrderReplay> {
  const log = await books.read<Logged>('order', LOG)
  const orders = new Map<string, ReplayedOrder>()
  const violations: string[] = []
  for (const event of log) {
    const before = orders.get(event.stream_id)
    if (event.version !== (before?.version ?? 0) + 1)
      violations.push(`the log of order ${event.stream_id} jumps from ${before?.version ?? 0} to ${event.version}`)
    const after = before ? follow(before, event) : begin(event)
    if (after) orders.set(event.stream_id, after)
    else violations.push(`order ${event.stream_id}: ${event.type} cannot be event ${event.version} of its log`)
  }
  return { orders, events: log.length, violations }
}

function begin({ stream_id, version, type, data, at }: Logged): ReplayedOrder | undefined {
  if (type !== 'OrderPlaced' || !data.purchase) return undefined
  return {
    ...{ orderId: stream_id, purchase: data.purchase, status: 'placed', version, placedAt: at, updatedAt: at },
    ...{ reason: null, actionUrl: null, refunded: null, confirmedAt: null, wasCancelled: false },
  }
}

function follow(order: ReplayedOrder, { type, version, data, at }: Logged): ReplayedOrder | undefined {
  const { reason = null, actionUrl = null, amount, confirmedAt = null } = data
  const next = { ...order, version, updatedAt: at, actionUrl: null }
  switch (type) {
    case 'StockSecured':
      return { ...next, status: 'awaiting-payment' }
    case 'PaymentActionRequested':
      return { ...next, status: 'awaiting-payment', actionUrl }
    case 'OrderConfirmed':
      return { ...next, status: 'confirmed', confirmedAt }
    case 'OrderCancelled':
      return { ...next, status: 'cancelled', reason, wasCancelled: true }
    case 'OrderRefunded':
      return amount && { ...next, status: 'refunded', refunded: { ...amount, at } }
    case 'PaymentCaptured':
    case 'PaymentVoided':
      return { ...next, actionUrl: order.actionUrl }
    default:
      return undefined
  }
}
