import Type from 'typebox'
import { AppliedDiscount, Instant, MoneyBody, message, OrderedLine, Uuid } from './message.ts'

/** A cart was frozen and handed over. The order id exists from here on; who and where stays with the cart service. */
export const CartCheckedOut = message(
  'micromart.cart.checked-out.v1',
  'orderId',
  Type.Object({
    orderId: Uuid,
    cartId: Uuid,
    customerId: Type.Union([Uuid, Type.Null()]),
    /** SHA-256 of a guest's cart token, base64url: it opens the order too and reveals nothing. */
    guestTokenHash: Type.Union([Type.String(), Type.Null()]),
    lines: Type.Array(OrderedLine, { minItems: 1 }),
    /** What is charged: the lines less the discount. */
    total: MoneyBody,
    /** Only with a coupon. */
    discount: Type.Optional(AppliedDiscount),
    paymentMethod: Type.String({ maxLength: 64 }),
    checkedOutAt: Instant,
  }),
)
