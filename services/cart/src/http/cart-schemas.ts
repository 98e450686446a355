import { MoneyBody, Sku } from '@micromart/contracts/message'
import { PostalAddressBody } from '@micromart/contracts/postal-address'
import Type, { type Static } from 'typebox'
import { type Cart, discountOfCart, MOST_PIECES, subtotalOfCart, totalOfCart, totalOfLine } from '../domain/cart.ts'

const strict = { additionalProperties: false }

/** One line of text: no control characters, no halves of surrogate pairs. */
const text = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$' })

export const ById = { params: Type.Object({ id: Type.String() }), tags: ['carts'] }

export const ByLine = { params: Type.Object({ id: Type.String(), lineId: Type.String() }), tags: ['carts'] }

export const NewCartBody = Type.Optional(
  Type.Union([
    Type.Object({ currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' })) }, strict),
    Type.Null(),
  ]),
)

export const ItemBody = Type.Object({ sku: Sku, quantity: Type.Integer({ minimum: 1, maximum: MOST_PIECES }) }, strict)

export const QuantityBody = Type.Object(
  { quantity: Type.Integer({ minimum: 0, maximum: MOST_PIECES, description: '0 removes the line' }) },
  strict,
)

export const CheckoutBody = Type.Object(
  {
    email: Type.Optional(
      Type.String({
        maxLength: 254,
        pattern:
          '^[^\\s@<>",;:\\u0000-\\u001f\\u007f\\ud800-\\udfff]+@[^\\s@<>",;:\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
        description: 'guests must give one',
      }),
    ),
    shippingAddress: PostalAddressBody,
    payment: Type.Object({ method: text(64) }, strict),
  },
  strict,
)
export type CheckoutBody = Static<typeof CheckoutBody>

export const CartBody = Type.Object({
  id: Type.String(),
  version: Type.Integer({ description: 'also the ETag' }),
  status: Type.String({ description: 'open, checked-out, ordered or released' }),
  currency: Type.String(),
  lines: Type.Array(
    Type.Object({
      id: Type.String(),
      sku: Type.String(),
      title: Type.String(),
      quantity: Type.Integer(),
      unitPrice: MoneyBody,
      lineTotal: MoneyBody,
    }),
  ),
  subtotal: MoneyBody,
  couponCode: Type.Union([Type.String(), Type.Null()]),
  discount: MoneyBody,
  total: Type.Object(MoneyBody.properties, { description: 'subtotal less discount' }),
})
export type CartBody = Static<typeof CartBody>

export const bodyOf = (cart: Cart): CartBody => ({
  id: cart.id,
  version: cart.version,
  status: cart.status,
  currency: cart.currency,
  lines: cart.lines.map((line) => ({ ...line, lineTotal: totalOfLine(line) })),
  subtotal: subtotalOfCart(cart),
  couponCode: cart.coupon?.code ?? null,
  discount: discountOfCart(cart),
  total: totalOfCart(cart),
})

/** The answer that starts a cart: the only time its token is told. */
export const StartedCartBody = Type.Object({
  ...CartBody.properties,
  token: Type.Union([Type.String({ description: 'the Cart-Token of a guest' }), Type.Null()]),
})

/** What a checkout answers: the order can be followed from now on. */
export const CheckedOutBody = Type.Object({
  orderId: Type.String(),
  number: Type.String({ description: 'for people, such as 7K3QX-2M9F4' }),
  status: Type.Literal('placed'),
  total: MoneyBody,
  cartId: Type.String(),
})
