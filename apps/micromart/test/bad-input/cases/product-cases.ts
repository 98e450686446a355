import { randomUUID } from 'node:crypto'
import { bad, type CasesByRoute } from '../case.ts'
import { cursorOf, HALF_A_PAIR, NUL } from '../nasty.ts'
import type { Scene } from '../scene.ts'
import { written } from '../wire.ts'
import { listCases } from './lists.ts'

const INVALID = '400 request.invalid'
const price = { minor: 100, currency: 'USD' }

/** A product with every field that there is. */
const whole = () => {
  const sku = `NEW-${randomUUID().slice(0, 8)}`
  return {
    handle: sku.toLowerCase(),
    title: 'A product',
    description: 'Of something',
    vendor: 'Somebody',
    productType: 'Thing',
    tags: ['new'],
    status: 'active',
    options: [{ name: 'Size', values: ['S', 'L'] }],
    images: [{ url: 'https://images.test/a.jpg', alt: 'A', position: 1 }],
    variants: [
      {
        sku,
        title: 'S',
        options: { Size: 'S' },
        price,
        compareAtPrice: { minor: 200, currency: 'USD' },
        barcode: '4006381333931',
        weightGrams: 100,
        imageUrl: 'https://images.test/a.jpg',
      },
    ],
  }
}

const simple = (change: object = {}, variant: object = {}) => {
  const { handle } = whole()
  return { handle, title: 'A product', variants: [{ sku: handle, price, ...variant }], ...change }
}

const MAY_BE_LEFT_OUT = 'it may be left out'
const MAY_BE_EMPTY = 'it may be empty'
const MAY_BE_NULL = 'it may have none'

const harmless = {
  '/description missing': MAY_BE_LEFT_OUT,
  '/description = ""': MAY_BE_EMPTY,
  '/vendor missing': MAY_BE_LEFT_OUT,
  '/vendor = ""': MAY_BE_EMPTY,
  '/vendor = null': MAY_BE_NULL,
  '/productType missing': MAY_BE_LEFT_OUT,
  '/productType = ""': MAY_BE_EMPTY,
  '/productType = null': MAY_BE_NULL,
  '/tags missing': MAY_BE_LEFT_OUT,
  '/status missing': MAY_BE_LEFT_OUT,
  '/options missing': MAY_BE_LEFT_OUT,
  '/images missing': MAY_BE_LEFT_OUT,
  '/images/0/alt missing': MAY_BE_LEFT_OUT,
  '/images/0/alt = ""': MAY_BE_EMPTY,
  '/images/0/position missing': MAY_BE_LEFT_OUT,
  '/variants/0/title missing': MAY_BE_LEFT_OUT,
  '/variants/0/compareAtPrice missing': MAY_BE_LEFT_OUT,
  '/variants/0/barcode missing': MAY_BE_LEFT_OUT,
  '/variants/0/barcode = ""': MAY_BE_EMPTY,
  '/variants/0/weightGrams missing': MAY_BE_LEFT_OUT,
  '/variants/0/imageUrl missing': MAY_BE_LEFT_OUT,
}

/** Every field can be left out of a change. */
const changed = {
  '/handle missing': MAY_BE_LEFT_OUT,
  '/title missing': MAY_BE_LEFT_OUT,
  '/description missing': MAY_BE_LEFT_OUT,
  '/description = ""': MAY_BE_EMPTY,
  '/vendor missing': MAY_BE_LEFT_OUT,
  '/vendor = ""': MAY_BE_EMPTY,
  '/vendor = null': MAY_BE_NULL,
  '/productType missing': MAY_BE_LEFT_OUT,
  '/productType = ""': MAY_BE_EMPTY,
  '/productType = null': MAY_BE_NULL,
  '/tags missing': MAY_BE_LEFT_OUT,
  '/status missing': MAY_BE_LEFT_OUT,
  '/options missing': MAY_BE_LEFT_OUT,
  '/images missing': MAY_BE_LEFT_OUT,
  '/images/0/alt missing': MAY_BE_LEFT_OUT,
  '/images/0/alt = ""': MAY_BE_EMPTY,
  '/images/0/position missing': MAY_BE_LEFT_OUT,
  '/variants missing': MAY_BE_LEFT_OUT,
}

const contents = (body: (change: object, variant?: object) => object) => [
  ...['usd', 'US', 'USDX', '', '$', 'ÜSD', 'US\u0000'].map((currency) =>
    bad(`the currency ${currency}`, { body: body({}, { price: { minor: 1, currency } }) }, INVALID),
  ),
  ...[-1, 0.5, 1e21, '1', written('1e999'), written('9007199254740993'), null].map((minor) =>
    bad(`the price ${minor}`, { body: body({}, { price: { minor, currency: 'USD' } }) }, INVALID),
  ),
  ...['', ' ', 'a b', "x'; DROP TABLE variants--", '<b>', '../x', NUL, HALF_A_PAIR, '\u202eX', 'x'.repeat(65)].map(
    (sku) => bad(`the SKU ${JSON.stringify(sku)}`, { body: body({}, { sku }) }, INVALID),
  ),
  ...['', '-x', 'a/b', 'a b', '<script>', '../..', NUL, HALF_A_PAIR, 'a\u202eb', 'x'.repeat(256)].map((handle) =>
    bad(`the handle ${JSON.stringify(handle)}`, { body: body({ handle }) }, INVALID),
  ),
  ...[
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ftp://x.test/a',
    '//x.test/a',
    'http://',
    'https://x y',
    'https://[::1',
    `https://x.test/${NUL}`,
  ].map((url) =>
    bad(`the image ${JSON.stringify(url)}`, { body: body({ images: [{ url }] }) }, INVALID, '422 product.bad-image'),
  ),
  ...[
    { a: '1', b: '2', c: '3', d: '4' },
    { a: '' },
    { '': 'a' },
    { a: null },
    { 'a\u0000': 'b' },
    { a: 'x'.repeat(256) },
  ].map((options) =>
    bad(`the options ${JSON.stringify(options).slice(0, 40)}`, { body: body({}, { options }) }, INVALID),
  ),
]

export const productCases: CasesByRoute = {
  'GET /api/v1/products': {
    good: () => ({ path: '/api/v1/products?limit=1' }),
    accepted: 200,
    special: ({ tokens }) => [
      ...listCases('/api/v1/products'),
      ...[
        ['x', randomUUID()],
        ['1e-99', randomUUID()],
        ['1', 'x'],
        ['-1', randomUUID()],
        ['Infinity', randomUUID()],
        ['0', 'a\u0000b'],
      ].map((key) =>
        bad(
          `a place in a search: ${key[0]}`,
          { path: `/api/v1/products?q=product&after=${cursorOf(key)}` },
          '400 request.bad-cursor',
        ),
      ),
      ...['q=%00', `q=${'x'.repeat(201)}`, 'q=a&q=b', 'status=sold', 'status='].map((query) =>
        bad(`?${query.slice(0, 20)}`, { path: `/api/v1/products?${query}` }, INVALID),
      ),
      bad('drafts for nobody', { path: '/api/v1/products?status=draft' }, '401 auth.required'),
      bad(
        'drafts for a shopper',
        { path: '/api/v1/products?status=any', headers: { authorization: `Bearer ${tokens.shopper}` } },
        '403 auth.forbidden',
      ),
    ],
  },
  'POST /api/v1/products': {
    good: () => ({ path: '/api/v1/products', body: whole() }),
    accepted: 201,
    idempotent: true,
    wrongField: ['422 product.bad-options', '422 product.bad-image', '422 product.duplicate-sku'],
    harmless,
    special: (scene) => [...contents(simple), ...conflicts(scene)],
  },
  'POST /api/v1/products/import': {
    good: () => ({ path: '/api/v1/products/import', body: { products: [simple()] } }),
    accepted: 200,
    idempotent: true,
    wrongField: ['200 product.invalid'],
    writes: { 'product.idempotency_keys': 'the answer to an import is kept, also if it refuses every product' },
    special: () => [...deepProducts(), bad('too many', { body: { products: Array(101).fill(simple()) } }, INVALID)],
  },
  'GET /api/v1/products/:idOrHandle': {
    good: ({ productId }) => ({ path: `/api/v1/products/${productId}` }),
    accepted: 200,
    unknown: ['404 product.unknown'],
  },
  'PATCH /api/v1/products/:idOrHandle': {
    good: ({ productId, sku }) => ({
      path: `/api/v1/products/${productId}`,
      body: { ...whole(), variants: [{ sku, price }], options: [] },
    }),
    accepted: 200,
    idempotent: true,
    unknown: ['404 product.unknown'],
    wrongField: ['422 product.bad-options', '422 product.duplicate-sku'],
    harmless: changed,
    special: (scene) => [
      ...contents(simple),
      ...conflicts(scene),
      bad('nothing to change', { body: {} }, INVALID),
      ...versions(),
    ],
  },
  'POST /api/v1/products/:idOrHandle/archive': {
    good: ({ otherProductId }) => ({ path: `/api/v1/products/${otherProductId}/archive` }),
    accepted: 200,
    bodyIsOptional: true,
    idempotent: true,
    unknown: ['404 product.unknown'],
    special: () => [
      ...versions(),
      bad(
        'a body with a field',
        { headers: { 'content-type': 'application/json' }, body: { status: 'active' } },
        INVALID,
      ),
    ],
  },
}

/** Values of If-Match that fit no version. */
const versions = () =>
  ['"0"', '1', 'W/"1"', '"\u00e9"', "' OR 1=1", '"999999999999999999999"'].map((tag) =>
    bad(`If-Match: ${tag}`, { headers: { 'if-match': tag } }, '412 product.version-mismatch'),
  )

const conflicts = ({ otherHandle, skuInEuros }: Scene) => [
  bad('the handle of another', { body: simple({ handle: otherHandle }) }, '409 product.handle-taken'),
  bad('the SKU of another', { body: simple({}, { sku: skuInEuros }) }, '409 product.sku-taken'),
  bad(
    'one SKU twice',
    {
      body: simple({
        variants: [
          { sku: 'X', price },
          { sku: 'X', price },
        ],
      }),
    },
    '422 product.duplicate-sku',
  ),
  bad(
    'two currencies',
    { body: simple({}, { compareAtPrice: { minor: 1, currency: 'EUR' } }) },
    '422 product.bad-price',
  ),
  bad(
    'an option that is not listed',
    { body: simple({ options: [{ name: 'a', values: ['b'] }] }) },
    '422 product.bad-options',
  ),
]

/** Deeper than a program can look into by calling itself. */
const deepProducts = () => {
  const body = `{"products":[{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`
  const keyed = { headers: { 'idempotency-key': randomUUID() }, body }
  return [
    bad('deep nesting in a product', { body }, '200 product.invalid'),
    bad('deep nesting under an Idempotency-Key', keyed, '200 product.invalid'),
  ]
}
