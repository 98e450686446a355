import { CartCheckedOut } from '@micromart/contracts/cart'
import { orderNumber } from '@micromart/contracts/order-number'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import { type Outbox, type OutgoingMessage, send } from '@micromart/postgres/outbox'
import { holdsCardNumber } from '../domain/card-number.ts'
import { type CartOwner, type CartRefusal, checkOut, totalOfCart } from '../domain/cart.ts'
import type { CartStore, Checkout, CheckoutStore } from '../ports.ts'
import { type AccessRefusal, openCartToChange } from './cart-access.ts'
import { ById, CheckedOutBody, CheckoutBody } from './cart-schemas.ts'

type CheckoutRefusal = Refusal<'cart.card-number' | 'cart.email-required'>

const statuses = {
  'cart.unknown': 404,
  'cart.unknown-line': 404,
  'cart.checked-out': 409,
  'cart.version-mismatch': 412,
  'cart.card-number': 422,
  'cart.currency-mismatch': 422,
  'cart.email-required': 422,
  'cart.empty': 422,
  'cart.quantity-too-large': 422,
  'cart.too-many-lines': 422,
  'cart.total-too-large': 422,
} satisfies StatusTable<(AccessRefusal | CartRefusal | CheckoutRefusal)['code']>

export interface CheckoutRoutes {
  readonly carts: CartStore
  readonly checkouts: CheckoutStore
  readonly outbox: Outbox
  readonly write: IdempotentWrite
  readonly clock: Clock
  readonly ids: Ids
}

export function checkoutRoutes(
  http: HttpServer,
  { carts, checkouts, outbox, write, clock, ids }: CheckoutRoutes,
): void {
  const answer = writeHandler(write, { statuses, key: 'required' })

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
        const { id: cartId, orderId, lines } = frozen.value
        const checkedOutAt = clock.now()
        const total = totalOfCart(frozen.value)
        const checkout = { orderId, cartId, owner, lines, total, paymentMethod: payment.method, checkedOutAt }
        await carts.save(tx, frozen.value, checkedOutAt)
        await checkouts.record(tx, checkout, { email, address })
        await outbox.add(tx, [checkedOut(checkout)])
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

function checkedOut({ owner, lines, checkedOutAt, ...checkout }: Checkout): OutgoingMessage {
  return send(CartCheckedOut, {
    ...checkout,
    customerId: owner.kind === 'customer' ? owner.customerId : null,
    guestTokenHash: owner.kind === 'guest' ? owner.tokenHash : null,
    lines: lines.map(({ id: lineId, ...line }) => ({ lineId, ...line })),
    checkedOutAt: checkedOutAt.toISOString(),
  })
}
