import type { AppliedDiscount, OrderedLine } from '@micromart/contracts/message'
import type { CancelReason } from '@micromart/contracts/order'
import type { Money } from '@micromart/kernel/money'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

//   none -> placed -> awaiting-payment -> confirmed -> cancelled -> refunded
//             |              |                            ^
//             +--------------+----------------------------+
//   Money that moved although the order was cancelled comes back as `refunded` from any cancelled state.

/** What was bought, by whom and for how much: fixed when the order is placed. */
export interface Purchase {
  readonly cartId: string
  readonly customerId: string | null
  readonly guestTokenHash: string | null
  readonly lines: readonly OrderedLine[]
  /** What is charged: the lines less the discount. */
  readonly total: Money
  /** Only with a coupon. */
  readonly discount?: AppliedDiscount
  readonly paymentMethod: string
}

export type Order =
  | { readonly status: 'none' }
  | { readonly status: 'placed'; readonly purchase: Purchase }
  | { readonly status: 'awaiting-payment'; readonly purchase: Purchase; readonly actionUrl: string | null }
  | { readonly status: 'confirmed'; readonly purchase: Purchase; readonly paymentId: string }
  | {
      readonly status: 'cancelled'
      readonly purchase: Purchase
      readonly reason: CancelReason
      readonly wasConfirmed: boolean
    }
  | { readonly status: 'refunded'; readonly purchase: Purchase; readonly reason: CancelReason; readonly amount: Money }

/** Time arrives in the command: `stockDueAt` and `paymentDueAt` say until when an order waits. */
export type OrderCommand =
  | { readonly type: 'PlaceOrder'; readonly purchase: Purchase; readonly stockDueAt: string }
  | { readonly type: 'CancelOrder' }
  | { readonly type: 'NoteStockReserved'; readonly paymentDueAt: string }
  | { readonly type: 'NoteStockRejected' }
  | { readonly type: 'NoteStockLost' }
  | { readonly type: 'NoteStockTimedOut' }
  | { readonly type: 'NotePaymentActionRequired'; readonly actionUrl: string }
  | { readonly type: 'NotePaymentAuthorized'; readonly paymentId: string; readonly amount: Money; readonly at: string }
  | { readonly type: 'NotePaymentDeclined' }
  | { readonly type: 'NotePaymentTimedOut' }
  | { readonly type: 'NotePaymentCaptured'; readonly paymentId: string }
  | { readonly type: 'NotePaymentVoided'; readonly paymentId: string }
  | { readonly type: 'NotePaymentRefunded'; readonly paymentId: string; readonly amount: Money }

export type OrderEvent =
  | { readonly type: 'OrderPlaced'; readonly purchase: Purchase; readonly stockDueAt: string }
  | { readonly type: 'StockSecured'; readonly paymentDueAt: string }
  | { readonly type: 'PaymentActionRequested'; readonly actionUrl: string }
  | { readonly type: 'OrderConfirmed'; readonly paymentId: string; readonly confirmedAt: string }
  | { readonly type: 'OrderCancelled'; readonly reason: CancelReason }
  | { readonly type: 'PaymentCaptured'; readonly paymentId: string }
  | { readonly type: 'PaymentVoided'; readonly paymentId: string }
  | { readonly type: 'OrderRefunded'; readonly paymentId: string; readonly amount: Money }

export type OrderRefusal = Refusal<'order.unknown' | 'order.already-refunded' | 'order.amount-mismatch'>
type Decision = Result<readonly OrderEvent[], OrderRefusal>
type Existing = Exclude<Order, { status: 'none' }>

export const noOrder: Order = { status: 'none' }

const nothing: Decision = ok([])

export function decide(command: OrderCommand, order: Order): Decision {
  if (order.status === 'none')
    return command.type === 'PlaceOrder'
      ? ok([{ type: 'OrderPlaced', purchase: command.purchase, stockDueAt: command.stockDueAt }])
      : refuse('order.unknown', 'There is no such order')
  switch (command.type) {
    case 'PlaceOrder':
      return nothing // the same checkout, heard again
    case 'CancelOrder':
      return cancelForCustomer(order)
    case 'NoteStockReserved':
      return only('placed', order, { type: 'StockSecured', paymentDueAt: command.paymentDueAt })
    case 'NoteStockRejected':
      return only('placed', order, cancelled('out-of-stock'))
    case 'NoteStockLost':
      return only('confirmed', order, cancelled('out-of-stock'))
    case 'NoteStockTimedOut':
      return only('placed', order, cancelled('stock-timeout'))
    case 'NotePaymentActionRequired':
      return askForAction(order, command.actionUrl)
    case 'NotePaymentAuthorized':
      return takePayment(order, command)
    case 'NotePaymentDeclined':
      return only('awaiting-payment', order, cancelled('payment-declined'))
    case 'NotePaymentTimedOut':
      return only('awaiting-payment', order, cancelled('payment-timeout'))
    case 'NotePaymentCaptured':
      return ok([{ type: 'PaymentCaptured', paymentId: command.paymentId }])
    case 'NotePaymentVoided':
      return ok([{ type: 'PaymentVoided', paymentId: command.paymentId }])
    case 'NotePaymentRefunded':
      return only('cancelled', order, { type: 'OrderRefunded', paymentId: command.paymentId, amount: command.amount })
  }
}

/** The event if the order is in this state; in any other the news comes too late or again, and changes nothing. */
const only = (status: Existing['status'], order: Existing, event: OrderEvent): Decision =>
  order.status === status ? ok([event]) : nothing

const cancelled = (reason: CancelReason): OrderEvent => ({ type: 'OrderCancelled', reason })

function cancelForCustomer(order: Existing): Decision {
  if (order.status === 'refunded') return refuse('order.already-refunded', 'The order is refunded already')
  return order.status === 'cancelled' ? nothing : ok([cancelled('customer')])
}

const askForAction = (order: Existing, actionUrl: string): Decision =>
  order.status === 'awaiting-payment' && order.actionUrl !== actionUrl
    ? ok([{ type: 'PaymentActionRequested', actionUrl }])
    : nothing

function takePayment(order: Existing, payment: Extract<OrderCommand, { type: 'NotePaymentAuthorized' }>): Decision {
  if (order.status !== 'awaiting-payment') return nothing // a cancelled order's money is given back by payment itself
  const { total } = order.purchase
  if (payment.amount.minor !== total.minor || payment.amount.currency !== total.currency)
    return refuse('order.amount-mismatch', 'The authorised amount is not the total of the order')
  return ok([{ type: 'OrderConfirmed', paymentId: payment.paymentId, confirmedAt: payment.at }])
}

export function evolve(order: Order, event: OrderEvent): Order {
  if (order.status !== 'none') return evolveExisting(order, event)
  if (event.type !== 'OrderPlaced') throw new Error(`${event.type} before OrderPlaced`)
  return { status: 'placed', purchase: event.purchase }
}

function evolveExisting(order: Existing, event: OrderEvent): Order {
  const { purchase } = order
  switch (event.type) {
    case 'OrderPlaced':
      throw new Error('An order is placed once')
    case 'StockSecured':
      return { status: 'awaiting-payment', purchase, actionUrl: null }
    case 'PaymentActionRequested':
      return { status: 'awaiting-payment', purchase, actionUrl: event.actionUrl }
    case 'OrderConfirmed':
      return { status: 'confirmed', purchase, paymentId: event.paymentId }
    case 'OrderCancelled':
      return { status: 'cancelled', purchase, reason: event.reason, wasConfirmed: order.status === 'confirmed' }
    case 'PaymentCaptured':
    case 'PaymentVoided':
      return order
    case 'OrderRefunded':
      return {
        status: 'refunded',
        purchase,
        reason: order.status === 'cancelled' ? order.reason : 'customer',
        amount: event.amount,
      }
  }
}
