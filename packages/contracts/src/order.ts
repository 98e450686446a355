import Type from 'typebox'
import { AppliedDiscount, Instant, MoneyBody, message, OrderedLine, Uuid } from './message.ts'

export const CancelReason = Type.Union([
  Type.Literal('customer'),
  Type.Literal('out-of-stock'),
  Type.Literal('stock-timeout'),
  Type.Literal('payment-declined'),
  Type.Literal('payment-timeout'),
])
export type CancelReason = Type.Static<typeof CancelReason>

const customerId = Type.Union([Uuid, Type.Null()])

/** An order exists and waits for its stock. */
export const OrderPlaced = message(
  'micromart.order.placed.v1',
  'orderId',
  Type.Object({
    orderId: Uuid,
    lines: Type.Array(Type.Object({ sku: Type.String(), quantity: Type.Integer({ minimum: 1 }) }), { minItems: 1 }),
  }),
)

/** The stock is held; the money is asked for until `dueAt`. */
export const OrderPaymentDue = message(
  'micromart.order.payment-due.v1',
  'orderId',
  Type.Object({ orderId: Uuid, amount: MoneyBody, method: Type.String(), dueAt: Instant }),
)

/** Stock and money are secured: the purchase stands. */
export const OrderConfirmed = message(
  'micromart.order.confirmed.v1',
  'orderId',
  Type.Object({
    orderId: Uuid,
    number: Type.String(),
    cartId: Uuid,
    customerId,
    paymentId: Uuid,
    lines: Type.Array(OrderedLine, { minItems: 1 }),
    /** What is charged: the lines less the discount. */
    total: MoneyBody,
    /** Only with a coupon. */
    discount: Type.Optional(AppliedDiscount),
    confirmedAt: Instant,
  }),
)

/** The order is off, before or after its confirmation; everyone undoes their own part. */
export const OrderCancelled = message(
  'micromart.order.cancelled.v1',
  'orderId',
  Type.Object({
    orderId: Uuid,
    number: Type.String(),
    cartId: Uuid,
    customerId,
    reason: CancelReason,
    wasConfirmed: Type.Boolean(),
    cancelledAt: Instant,
  }),
)

/** The money of a cancelled order is back with the customer. */
export const OrderRefunded = message(
  'micromart.order.refunded.v1',
  'orderId',
  Type.Object({
    orderId: Uuid,
    number: Type.String(),
    customerId,
    lines: Type.Array(OrderedLine, { minItems: 1 }),
    amount: MoneyBody,
    /** Only with a coupon. */
    discount: Type.Optional(AppliedDiscount),
    refundedAt: Instant,
  }),
)
