import { randomUUID } from 'node:crypto'
import { type BadCase, bad, type CasesByRoute, type Refusal } from '../case.ts'
import { CANARY, CARD_NUMBERS, email, HALF_A_PAIR, NUL } from '../nasty.ts'
import { bearer, type Scene } from '../scene.ts'
import { written } from '../wire.ts'

const INVALID = '400 request.invalid'
const UNKNOWN = '404 cart.unknown'
const UNKNOWN_LINE = '404 cart.unknown-line'
const quantities = [
  0,
  -1,
  1.5,
  1e21,
  1_001,
  '1',
  'NaN',
  null,
  written('1e999'),
  written('-0.0'),
  written('9007199254740993'),
]

export const opened = ({ token }: { token: string }) => ({ 'cart-token': token })

/** Whoever does not own a cart is told that there is none. */
export const strangers = ({ cart, emptyCart, shoppersCartId, tokens }: Scene, path: string): readonly BadCase[] => {
  const elsewhere = (id: string) => path.replace(cart.id, id)
  return [
    bad('no Cart-Token', { headers: { 'cart-token': '' } }, UNKNOWN),
    bad('the token of another cart', { headers: opened(emptyCart) }, UNKNOWN),
    ...[
      CANARY,
      CANARY.repeat(300),
      `${cart.token} `.repeat(2).trim(),
      cart.token.slice(1),
      'caf\u00e9',
      '[]',
      'null',
      "' OR 1=1--",
    ].map((token) => bad(`the Cart-Token ${token.slice(0, 10)}`, { headers: opened({ token }) }, UNKNOWN)),
    bad('a token instead of a Cart-Token', { headers: { 'cart-token': '', ...bearer(tokens.admin) } }, UNKNOWN),
    bad("somebody's cart", { path: elsewhere(shoppersCartId), headers: opened(cart) }, UNKNOWN),
    bad("a shopper's cart for staff", { path: elsewhere(shoppersCartId), headers: bearer(tokens.staff) }, UNKNOWN),
    bad('no cart', { path: elsewhere(randomUUID()) }, UNKNOWN),
    bad('the id in capitals', { path: elsewhere(cart.id.toUpperCase()) }, UNKNOWN),
  ]
}

export const versions = () =>
  ['"0"', '1', 'W/"2"', '"\u00e9"', "' OR 1=1", '"1e0"', '"999999999999999999999"'].map((tag) =>
    bad(`If-Match: ${tag}`, { headers: { 'if-match': tag } }, '412 cart.version-mismatch'),
  )

const address = { name: `Ada ${CANARY}`, line1: '1 High Street', city: 'York', postalCode: 'YO1 7HH', country: 'GB' }
const purchase = (change: object = {}, place: object = {}) => ({
  email: email('buyer'),
  shippingAddress: { ...address, line2: 'Flat 1', region: 'Yorkshire', ...place },
  payment: { method: 'sandbox:success' },
  ...change,
})

export const cartCases: CasesByRoute = {
  'POST /api/v1/carts': {
    good: () => ({ path: '/api/v1/carts', body: { currency: 'USD' } }),
    accepted: 201,
    bodyIsOptional: true,
    harmless: { '/currency missing': 'the shop has one of its own' },
    special: () => [
      ...['usd', 'US', 'USDX', '$', '', ' USD', 'USD ', 'U\u0000D', '\u0405SD'].map((currency) =>
        bad(`the currency ${JSON.stringify(currency)}`, { body: { currency } }, INVALID),
      ),
    ],
  },
  'GET /api/v1/carts/:id': {
    good: ({ cart }) => ({ path: `/api/v1/carts/${cart.id}`, headers: opened(cart) }),
    accepted: 200,
    unknown: [UNKNOWN],
    special: (scene) => strangers(scene, `/api/v1/carts/${scene.cart.id}`),
  },
  'POST /api/v1/carts/:id/items': {
    good: ({ cart, sku }) => ({
      path: `/api/v1/carts/${cart.id}/items`,
      headers: opened(cart),
      body: { sku, quantity: 1 },
    }),
    accepted: 201,
    idempotent: true,
    unknown: [UNKNOWN],
    special: (scene) => [
      ...strangers(scene, `/api/v1/carts/${scene.cart.id}/items`),
      ...versions(),
      ...quantities.map((quantity) => bad(`${quantity} pieces`, { body: { sku: scene.sku, quantity } }, INVALID)),
      ...['NO-SUCH-SKU', 'constructor', '0', scene.sku.toLowerCase()].map((sku) =>
        bad(`the SKU ${sku}`, { body: { sku, quantity: 1 } }, '422 cart.unknown-sku'),
      ),
      ...['__proto__', "' OR 1=1", '<b>', NUL, HALF_A_PAIR, '\u202e', 'x'.repeat(65)].map((sku) =>
        bad(`the SKU ${JSON.stringify(sku)}`, { body: { sku, quantity: 1 } }, INVALID),
      ),
      ...['price', 'unitPrice', 'total', 'title', 'currency', 'discount'].map((field) =>
        bad(`a ${field} of its own`, { body: { sku: scene.sku, quantity: 1, [field]: 0 } }, INVALID),
      ),
      bad(
        'a piece in another currency',
        { body: { sku: scene.skuInEuros, quantity: 1 } },
        '422 cart.currency-mismatch',
      ),
      bad('a cart that is checked out', checkedOut(scene, '/items'), '409 cart.checked-out'),
    ],
  },
  'PATCH /api/v1/carts/:id/items/:lineId': {
    good: ({ cart }) => ({ path: linePath(cart), headers: opened(cart), body: { quantity: 3 } }),
    accepted: 200,
    idempotent: true,
    unknown: [UNKNOWN, UNKNOWN_LINE],
    special: (scene) => [
      ...strangers(scene, linePath(scene.cart)),
      ...versions(),
      ...quantities
        .filter((quantity) => quantity !== 0 && quantity !== written('-0.0'))
        .map((quantity) => bad(`${quantity} pieces`, { body: { quantity } }, INVALID)),
      bad('a line of another cart', { path: linePath({ ...scene.cart, lineId: randomUUID() }) }, UNKNOWN_LINE),
      bad('a cart that is checked out', checkedOut(scene, '/items/x'), '409 cart.checked-out'),
    ],
  },
  'DELETE /api/v1/carts/:id/items/:lineId': {
    good: ({ cart }) => ({ path: linePath(cart), headers: opened(cart) }),
    accepted: 200,
    idempotent: true,
    bodyIsOptional: true,
    unknown: [UNKNOWN, UNKNOWN_LINE],
    special: (scene) => [
      ...strangers(scene, linePath(scene.cart)),
      ...versions(),
      bad('a line of another cart', { path: linePath({ ...scene.cart, lineId: randomUUID() }) }, UNKNOWN_LINE),
      bad('a cart that is checked out', checkedOut(scene, '/items/x'), '409 cart.checked-out'),
      bad('a body with a field', { headers: { 'content-type': 'application/json' }, body: { quantity: 1 } }, INVALID),
    ],
  },
  'POST /api/v1/carts/:id/checkout': {
    good: ({ fullCart }) => ({
      path: `/api/v1/carts/${fullCart.id}/checkout`,
      headers: { ...opened(fullCart), 'idempotency-key': randomUUID() },
      body: purchase(),
    }),
    accepted: 202,
    idempotent: true,
    unknown: [UNKNOWN],
    wrongField: ['422 cart.email-required'],
    harmless: {
      '/shippingAddress/line2 missing': 'it may be left out',
      '/shippingAddress/line2 = ""': 'it may be empty',
      '/shippingAddress/region missing': 'it may be left out',
      '/shippingAddress/region = ""': 'it may be empty',
    },
    special: (scene) => [
      ...strangers(
        { ...scene, cart: { ...scene.fullCart, lineId: '' } },
        `/api/v1/carts/${scene.fullCart.id}/checkout`,
      ),
      ...versions(),
      ...cardCases(),
      ...personCases(),
      bad('no Idempotency-Key', { headers: { 'idempotency-key': '' } }, '400 idempotency.key-required'),
      bad(
        'an empty cart',
        { path: `/api/v1/carts/${scene.emptyCart.id}/checkout`, headers: opened(scene.emptyCart) },
        '422 cart.empty',
      ),
      bad('a cart that is checked out', checkedOut(scene, '/checkout'), '409 cart.checked-out'),
      bad(
        'a coupon that others have used up',
        {
          path: `/api/v1/carts/${scene.coupons.usedUp.cart.id}/checkout`,
          headers: opened(scene.coupons.usedUp.cart),
        },
        '409 cart.coupon-used-up',
      ),
      ...['total', 'currency', 'discount', 'couponCode', 'tax', 'orderId', 'customerId', 'lines'].map((field) =>
        bad(`a ${field} of its own`, { body: purchase({ [field]: 1 }) }, INVALID),
      ),
    ],
  },
}

const linePath = ({ id, lineId }: { id: string; lineId: string }) => `/api/v1/carts/${id}/items/${lineId}`

export const checkedOut = ({ checkedOutCart }: Scene, rest: string) => ({
  path: `/api/v1/carts/${checkedOutCart.id}${rest}`,
  headers: opened(checkedOutCart),
})

/** A card's number in any field, alone and among other words. */
const cardCases = (): readonly BadCase[] => {
  const refused = '422 cart.card-number' satisfies Refusal
  return CARD_NUMBERS.flatMap((number) => [
    ...['name', 'line1', 'line2', 'city', 'region'].map((field) =>
      bad(`a card number as ${field}`, { body: purchase({}, { [field]: `card ${number} 12/30` }) }, refused),
    ),
    bad('a card number to pay with', { body: purchase({ payment: { method: number } }) }, refused),
    bad('a card number as postal code', { body: purchase({}, { postalCode: number }) }, refused),
    bad(
      'a card of its own',
      { body: purchase({ payment: { method: 'sandbox:success', cardNumber: number } }) },
      INVALID,
    ),
  ])
}

const personCases = (): readonly BadCase[] => [
  ...[
    'x',
    '@',
    'a@',
    '@b',
    'a b@c.de',
    'a@b@c',
    'a@b.co\r\nBcc: x@y.zz',
    'Ada <a@b.co>',
    'a@b.co,c@d.ee',
    `a${NUL}@b.co`,
    `a@b${HALF_A_PAIR}`,
    `${'x'.repeat(254)}@b.co`,
  ].map((text) =>
    bad(`the address ${JSON.stringify(text).slice(0, 20)}`, { body: purchase({ email: text }) }, INVALID),
  ),
  ...['gb', 'GBR', 'G', '', '00', 'G\u0000', '\u0413B'].map((country) =>
    bad(`the country ${JSON.stringify(country)}`, { body: purchase({}, { country }) }, INVALID),
  ),
  ...['', NUL, HALF_A_PAIR, 'a\nb', '\u001b[31m', '\u007f', 'x'.repeat(201)].map((name) =>
    bad(`the name ${JSON.stringify(name).slice(0, 20)}`, { body: purchase({}, { name }) }, INVALID),
  ),
  ...['', NUL, 'x'.repeat(65), 'a\r\nb'].map((method) =>
    bad(`to pay with ${JSON.stringify(method).slice(0, 20)}`, { body: purchase({ payment: { method } }) }, INVALID),
  ),
]
