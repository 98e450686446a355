import { randomUUID } from 'node:crypto'
import { bad, type CasesByRoute } from '../case.ts'
import { CANARY, CARD_NUMBERS, cursorOf, HALF_A_PAIR, NUL } from '../nasty.ts'
import { written } from '../wire.ts'
import { checkedOut, opened, strangers, versions } from './cart-cases.ts'
import { listCases } from './lists.ts'

const INVALID = '400 request.invalid'
const BAD_TERMS = '422 coupon.bad-terms'
const UNKNOWN = '404 coupon.unknown'
const UNKNOWN_CART = '404 cart.unknown'

/** What no code can be. */
const noCodes = [
  '',
  'AB',
  ' ABC',
  'A BC',
  '-ABC',
  "A' OR 1=1",
  '<b>abc',
  'A\r\nBC',
  NUL,
  HALF_A_PAIR,
  '\u0131\u0131\u0131',
  'x'.repeat(41),
]

const newCode = () => `NEW-${randomUUID()}`

/** A coupon with every field that there is. */
const whole = (change: object = {}) => ({
  code: newCode(),
  kind: 'amount',
  amount: { minor: 500, currency: 'USD' },
  mostUses: 100,
  mostUsesPerCustomer: 1,
  startsAt: '2026-01-01T00:00:00Z',
  endsAt: '2027-01-01T00:00:00.000Z',
  ...change,
})

const tenPercent = (change: object = {}) => ({ code: newCode(), kind: 'percent', percent: 10, ...change })

const NO_LIMIT = 'there may be no such limit'
const limits = {
  '/mostUses missing': NO_LIMIT,
  '/mostUses = null': NO_LIMIT,
  '/mostUsesPerCustomer missing': NO_LIMIT,
  '/mostUsesPerCustomer = null': NO_LIMIT,
  '/startsAt missing': NO_LIMIT,
  '/startsAt = null': NO_LIMIT,
  '/endsAt missing': NO_LIMIT,
  '/endsAt = null': NO_LIMIT,
}

/** Limits that are none, in any body. */
const badLimits = (body: (change: object) => object) => [
  ...[0, -1, 1.5, 2_147_483_648, 1e21, '1', written('1e999'), written('9007199254740993')].flatMap((most) => [
    bad(`${most} uses`, { body: body({ mostUses: most }) }, INVALID),
    bad(`${most} uses each`, { body: body({ mostUsesPerCustomer: most }) }, INVALID),
  ]),
  ...[
    'tomorrow',
    '2026-01-01',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-01T00:00:00+01:00',
    '2026-01-01T00:00:00',
    '0000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '2026-01-01T00:00:00.0000001Z',
    '2026-01-01T00:00:00Z\u0000',
    1_767_225_600,
  ].flatMap((at) => [
    bad(`from ${at}`, { body: body({ startsAt: at }) }, INVALID),
    bad(`until ${at}`, { body: body({ endsAt: at }) }, INVALID),
  ]),
  ...['2026-01-01T00:00:00Z', '2025-12-31T23:59:59.999Z'].map((endsAt) =>
    bad(`over by ${endsAt}`, { body: body({ startsAt: '2026-01-01T00:00:00Z', endsAt }) }, '422 coupon.bad-period'),
  ),
  ...['uses', 'version', 'createdAt', 'code2'].map((field) =>
    bad(`${field} of its own`, { body: body({ [field]: 1 }) }, INVALID),
  ),
]

const couponVersions = () =>
  ['"0"', '1', 'W/"1"', '"\u00e9"', "' OR 1=1", '"999999999999999999999"'].map((tag) =>
    bad(`If-Match: ${tag}`, { headers: { 'if-match': tag } }, '412 coupon.version-mismatch'),
  )

export const couponCases: CasesByRoute = {
  'PUT /api/v1/carts/:id/coupon': {
    good: ({ cart, coupons }) => ({
      path: `/api/v1/carts/${cart.id}/coupon`,
      headers: opened(cart),
      body: { code: coupons.good.toLowerCase() },
    }),
    accepted: 200,
    idempotent: true,
    unknown: [UNKNOWN_CART],
    special: (scene) => [
      ...strangers(scene, `/api/v1/carts/${scene.cart.id}/coupon`),
      ...versions(),
      ...noCodes.map((code) => bad(`the code ${JSON.stringify(code).slice(0, 20)}`, { body: { code } }, INVALID)),
      ...['NO-SUCH-CODE', 'constructor', CANARY, CARD_NUMBERS[0], scene.coupons.notYet].map((code) =>
        bad(`the code ${code}`, { body: { code } }, '422 cart.coupon-not-valid'),
      ),
      bad('an old code', { body: { code: scene.coupons.over } }, '422 cart.coupon-expired'),
      bad('a code that is used up', { body: { code: scene.coupons.usedUp.code } }, '409 cart.coupon-used-up'),
      bad('a code in euros', { body: { code: scene.coupons.inEuros } }, '422 cart.coupon-currency-mismatch'),
      ...['percent', 'amount', 'discount', 'uses', 'customer'].map((field) =>
        bad(`a ${field} of its own`, { body: { code: scene.coupons.good, [field]: 100 } }, INVALID),
      ),
      bad(
        'a cart that is checked out',
        { ...checkedOut(scene, '/coupon'), body: { code: scene.coupons.good } },
        '409 cart.checked-out',
      ),
    ],
  },
  'DELETE /api/v1/carts/:id/coupon': {
    good: ({ cart }) => ({ path: `/api/v1/carts/${cart.id}/coupon`, headers: opened(cart) }),
    accepted: 200,
    idempotent: true,
    bodyIsOptional: true,
    unknown: [UNKNOWN_CART],
    special: (scene) => [
      ...strangers(scene, `/api/v1/carts/${scene.cart.id}/coupon`),
      ...versions(),
      bad('no coupon', {}, '404 cart.no-coupon'),
      bad('a cart that is checked out', checkedOut(scene, '/coupon'), '409 cart.checked-out'),
      bad('a body with a field', { headers: { 'content-type': 'application/json' }, body: { code: 'ABC' } }, INVALID),
    ],
  },
  'GET /api/v1/coupons': {
    good: () => ({ path: '/api/v1/coupons?limit=1' }),
    accepted: 200,
    special: () => [
      ...listCases('/api/v1/coupons'),
      ...[
        ['9'.repeat(19), 'SALE'],
        ['2026-99-01T00:00:00.000Z', 'SALE'],
        ['-271821-04-20T00:00:00.000Z', 'SALE'],
        ['2026-01-01T00:00:00.000Z', 'sale'],
        ['2026-01-01T00:00:00.000Z', "' OR 1=1"],
        ['2026-01-01T00:00:00.000Z', 'A\u0000B'],
      ].map((place) =>
        bad(`the place ${place}`, { path: `/api/v1/coupons?after=${cursorOf(place)}` }, '400 request.bad-cursor'),
      ),
    ],
  },
  'POST /api/v1/coupons': {
    good: () => ({ path: '/api/v1/coupons', body: whole() }),
    accepted: 201,
    idempotent: true,
    wrongField: [BAD_TERMS],
    harmless: limits,
    special: ({ coupons }) => [
      ...badLimits(whole),
      ...badLimits(tenPercent),
      ...noCodes.map((code) =>
        bad(`the code ${JSON.stringify(code).slice(0, 20)}`, { body: whole({ code }) }, INVALID),
      ),
      bad('a code that is taken', { body: whole({ code: coupons.good.toLowerCase() }) }, '409 coupon.code-taken'),
      ...[0, -1, 101, 1.5, 1e21, '10', null, written('1e999')].map((percent) =>
        bad(`${percent} %`, { body: tenPercent({ percent }) }, INVALID),
      ),
      ...[0, -1, 0.5, 1e21, '1', null, written('1e999'), written('9007199254740993')].map((minor) =>
        bad(`${minor} off`, { body: whole({ amount: { minor, currency: 'USD' } }) }, INVALID),
      ),
      ...['usd', 'US', '', '$', 'US\u0000', '\u0405SD'].map((currency) =>
        bad(`the currency ${currency}`, { body: whole({ amount: { minor: 1, currency } }) }, INVALID),
      ),
      bad('a percentage and an amount', { body: whole({ percent: 10 }) }, BAD_TERMS),
      bad('another kind', { body: whole({ kind: 'free' }) }, INVALID),
      bad('a percentage that is an amount', { body: tenPercent({ kind: 'amount' }) }, BAD_TERMS),
    ],
  },
  'GET /api/v1/coupons/:code': {
    good: ({ coupons }) => ({ path: `/api/v1/coupons/${coupons.good}` }),
    accepted: 200,
    unknown: [UNKNOWN],
  },
  'PATCH /api/v1/coupons/:code': {
    good: ({ coupons }) => {
      const { code: _, kind: __, amount: ___, ...limited } = whole()
      return { path: `/api/v1/coupons/${coupons.good}`, body: limited }
    },
    accepted: 200,
    idempotent: true,
    unknown: [UNKNOWN],
    harmless: limits,
    special: () => [
      ...badLimits((change) => change),
      ...couponVersions(),
      bad('nothing to change', { body: {} }, INVALID),
      ...['kind', 'percent', 'amount', 'code'].map((field) =>
        bad(`another ${field}`, { body: { mostUses: 9, [field]: 50 } }, INVALID),
      ),
    ],
  },
}
