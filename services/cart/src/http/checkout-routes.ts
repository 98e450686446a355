import { CartCheckedOut } from '@micromart/contracts/cart'
import { orderNumber } from '@micromart/contracts/order-number'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { holdsCardNumber } from '@micromart/kernel/card-number'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import { type Outbox, type OutgoingMessage, send } from '@micromart/postgres/outbox'
import {
  type CartOwner,
  type CartRefusal,
  type ClosedCart,
  checkOut,
  discountOfCart,
  totalOfCart,
} from '../domain/cart.ts'
import type { CouponRefusal } from '../domain/coupon.ts'
import type { CartStore, Checkout, CheckoutStore, CouponUses } from '../ports.ts'
import { type AccessRefusal, openCartToChange } from './cart-access.ts'
import { ById, CheckedOutBody, CheckoutBody } from './cart-schemas.ts'
import { cartCouponStatuses } from './cart-statuses.ts'
import { couponCustomer } from './coupon-customer.ts'

type CheckoutRefusal = Refusal<'cart.card-number' | 'cart.email-required'>

const statuses = {
  ...cartCouponStatuses,
  'cart.card-number': 422,
  'cart.email-required': 422,
} satisfies StatusTable<(AccessRefusal | CartRefusal | CheckoutRefusal | CouponRefusal)['code']>

export interface CheckoutRoutes {
  readonly carts: CartStore
  readonly checkouts: CheckoutStore
  readonly coupons: CouponUses
  readonly outbox: Outbox
  readonly write: IdempotentWrite
  readonly clock: Clock
  readonly ids: Ids
}

export function checkoutRoutes(
  http: HttpServer,
  { carts, checkouts, coupons, outbox, write, clock, ids }: CheckoutRoutes,
): void {
  const answer = writeHandler(write, { statuses, key: 'required' })

  /** The last thing a checkout does: everybody who wants this coupon waits from here to the commit. */
  const takeCoupon = async (
    tx: Transaction,
    { orderId, owner, discount, checkedOutAt: usedAt }: Checkout,
    email = '',
  ): Promise<Result<void, CouponRefusal>> => {
    if (!discount) return ok(undefined)
    const { couponCode: code, amount } = discount
    const customer = couponCustomer(owner, { code, email })
    return coupons.take(tx, { orderId, code, customer, discountMinor: amount.minor, usedAt })
  }

  http.post('/api/v1/carts/:id/checkout', {
    config: { access: 'public' },
    schema: {
      ...ById,
      summary: 'Freeze the cart and place the order; needs an Idempotency-Key',
      body: CheckoutBody,
      response: { 202: CheckedOutBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { email, shippingAddress: address, payment } = request.body
        const opened = await openCartToChange(request, request.params.id, (id) => carts.lock(tx, id))
        if (!opened.ok) return opened
        const { cart, owner } = opened.value
        const fit = checkDetails(request.body, owner)
        if (!fit.ok) return fit
        const frozen = checkOut(cart, ids.next())
        if (!frozen.ok) return frozen
        const checkedOutAt = clock.now()
        const checkout = checkoutOf(frozen.value, { owner, paymentMethod: payment.method, checkedOutAt })
        await carts.save(tx, frozen.value, checkedOutAt)
        await checkouts.record(tx, checkout, { email, address })
        await outbox.add(tx, [checkedOut(checkout)])
        const taken = await takeCoupon(tx, checkout, email)
        if (!taken.ok) return taken
        const { orderId, cartId, total } = checkout
        const body = { orderId, number: orderNumber(orderId), status: 'placed', total, cartId }
        return ok({ status: 202, headers: { location: `/api/v1/orders/${orderId}` }, body })
      }),
  })
}

/** A card's number has no business here, whichever field it was typed into. */
function checkDetails(
  { email, shippingAddress, payment }: CheckoutBody,
  owner: CartOwner,
): Result<void, CheckoutRefusal> {
  if ([email ?? '', payment.method, ...Object.values(shippingAddress)].some(holdsCardNumber))
    return refuse(
      'cart.card-number',
      'Something here looks like a card number; cards are only given to the payment provider',
    )
  if (email === undefined && owner.kind === 'guest')
    return refuse('cart.email-required', 'Without an account an email address is needed')
  return ok(undefined)
}

function checkoutOf(cart: ClosedCart, rest: Pick<Checkout, 'owner' | 'paymentMethod' | 'checkedOutAt'>): Checkout {
  const { id: cartId, orderId, lines, coupon } = cart
  const discount = coupon ? { discount: { couponCode: coupon.code, amount: discountOfCart(cart) } } : {}
  return { ...rest, orderId, cartId, lines, total: totalOfCart(cart), ...discount }
}

function checkedOut({ owner, lines, checkedOutAt, ...checkout }: Checkout): OutgoingMessage {
  return send(CartCheckedOut, {
    ...checkout,
    customerId: owner.kind === 'customer' ? owner.customerId : null,
    guestTokenHash: owner.kind === 'guest' ? owner.tokenHash : null,
    lines: lines.map(({ id: lineId, ...line }) => ({ lineId, ...line })),
    checkedOutAt: checkedOutAt.toISOString(),
  })
}
