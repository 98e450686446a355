import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { OrderCancelled, OrderConfirmed } from '@micromart/contracts/order'
import { orderNumber } from '@micromart/contracts/order-number'
import { queryClients } from '@micromart/service-kit/queries'
import { type HttpAnswer, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { cart as cartDefinition } from '../src/main.ts'
import { startCatalogue } from './fake-catalogue.ts'

const MUG = 'MUG-ENAMEL-WHITE'
const shippingAddress = {
  name: 'Ada Example',
  line1: '1 Mill Lane',
  city: 'Leeds',
  postalCode: 'LS1 4AB',
  country: 'GB',
}
const DAY_MS = 86_400_000

type Key = Pick<Parameters<ServiceHarness['call']>[0], 'headers' | 'token'>
interface TestCart {
  readonly id: string
  readonly key: Key
}

describe('coupons', () => {
  let h: ServiceHarness
  let catalogue: Awaited<ReturnType<typeof startCatalogue>>
  let staff: string
  before(async () => {
    catalogue = await startCatalogue('test-internal-token')
    catalogue.put({ sku: MUG, minor: 1_010 })
    h = await startServiceForTest(cartDefinition, { env: { PRODUCT_GRPC_URL: catalogue.url, DATABASE_POOL: '16' } })
    staff = await h.token({ roles: ['staff'] })
  })
  after(async () => {
    await h.close()
    await catalogue.stop()
  })

  const make = async (terms: object) => {
    const code = `T-${randomUUID().toUpperCase()}`
    const { status, text } = await post({ code, ...terms })
    assert.equal(status, 201, text)
    return code
  }
  const post = (body: unknown, token = staff) => h.call({ method: 'POST', url: '/api/v1/coupons', body, token })
  const read = async (code: string) =>
    (await h.call({ method: 'GET', url: `/api/v1/coupons/${code}`, token: staff })).body
  const patch = (code: string, body: unknown, headers = {}) =>
    h.call({ method: 'PATCH', url: `/api/v1/coupons/${code}`, body, token: staff, headers })

  const filled = async (key?: Key): Promise<TestCart> => {
    const { body } = await h.call({ method: 'POST', url: '/api/v1/carts', body: {}, ...key })
    const cart = { id: body.id, key: key ?? { headers: { 'cart-token': body.token } } }
    const added = await on(cart, 'POST /items', { sku: MUG, quantity: 1 })
    assert.equal(added.status, 201, added.text)
    return cart
  }
  /** `what` is a method and the rest of the path, such as `PUT /coupon`. */
  const on = ({ id, key }: TestCart, what: string, body?: unknown) => {
    const [method = '', path = ''] = what.split(' ')
    return h.call({ method, url: `/api/v1/carts/${id}${path}`, ...(body === undefined ? {} : { body }), ...key })
  }
  const apply = (cart: TestCart, code: string) => on(cart, 'PUT /coupon', { code })
  const withCoupon = async (code: string, key?: Key) => {
    const cart = await filled(key)
    const applied = await apply(cart, code)
    assert.equal(applied.status, 200, applied.text)
    return cart
  }
  const checkout = (
    { id, key }: TestCart,
    { email = `${randomUUID()}@example.test`, idempotencyKey = randomUUID() } = {},
  ) =>
    h.call({
      method: 'POST',
      url: `/api/v1/carts/${id}/checkout`,
      body: { email, shippingAddress, payment: { method: 'sandbox:success' } },
      ...key,
      headers: { ...key.headers, 'idempotency-key': idempotencyKey },
    })
  const bought = async (cart: TestCart, options = {}) => {
    const answer = await checkout(cart, options)
    assert.equal(answer.status, 202, answer.text)
    return { cartId: cart.id, orderId: answer.body.orderId as string }
  }
  const usesOf = (code: string) =>
    h.database.query<{ order_id: string; customer: string; discount: number; back: boolean }>(
      `SELECT order_id, customer, discount_minor::int AS discount, given_back_at IS NOT NULL AS back FROM coupon_uses
       WHERE code = $1 ORDER BY used_at, order_id`,
      [code],
    )
  const counted = async (code: string) => {
    const rows = await usesOf(code)
    return { counter: (await read(code)).uses, rows: rows.length, kept: rows.filter(({ back }) => !back).length }
  }

  test('the staff makes, reads, lists and changes them; nobody else does', async () => {
    const code = `spring-${randomUUID().slice(0, 8)}`
    const made = await post({ code, kind: 'percent', percent: 15, mostUses: 10, endsAt: '2026-12-01T00:00:00Z' })
    const expected = {
      ...{ code: code.toUpperCase(), kind: 'percent', percent: 15, mostUses: 10, mostUsesPerCustomer: null, uses: 0 },
      ...{ startsAt: null, endsAt: '2026-12-01T00:00:00.000Z', createdAt: h.clock.now().toISOString(), version: 1 },
    }
    assert.deepEqual([made.status, made.body], [201, expected])
    assert.equal(made.headers.get('location'), `/api/v1/coupons/${expected.code}`)
    assert.deepEqual(codeOf(await post({ code: code.toUpperCase(), kind: 'percent', percent: 1 })), [
      409,
      'coupon.code-taken',
    ])
    const found = await h.call({ method: 'GET', url: `/api/v1/coupons/${code}`, token: staff })
    assert.deepEqual([found.body, found.headers.get('etag')], [expected, '"1"'])

    const changed = await patch(code, { mostUses: null, mostUsesPerCustomer: 2 }, { 'if-match': '"1"' })
    assert.deepEqual(changed.body, { ...expected, mostUses: null, mostUsesPerCustomer: 2, version: 2 })
    assert.equal(changed.headers.get('etag'), '"2"')
    assert.deepEqual(codeOf(await patch(code, { mostUses: 1 }, { 'if-match': '"1"' })), [
      412,
      'coupon.version-mismatch',
    ])
    assert.deepEqual(codeOf(await patch(code, { startsAt: '2027-01-01T00:00:00Z' })), [422, 'coupon.bad-period'])
    assert.deepEqual(await read(code), changed.body)
    for (const unknown of ['NO-SUCH', 'x', '%00', 'a%00b'])
      assert.deepEqual(codeOf(await patch(unknown, { mostUses: 1 })), [404, 'coupon.unknown'])

    for (const terms of [
      { kind: 'percent' },
      { kind: 'amount', percent: 10 },
      { kind: 'percent', percent: 10, amount: usd(1) },
    ])
      assert.deepEqual(codeOf(await post({ code: 'ODD', ...terms })), [422, 'coupon.bad-terms'])
    const fixed = await make({ kind: 'amount', amount: { minor: 500, currency: 'USD' } })
    assert.deepEqual((await read(fixed)).amount, usd(500))
    const shopper = await h.token()
    for (const [method, path, body] of [
      ['POST', '', { code: 'MINE', kind: 'percent', percent: 100 }],
      ['GET', '', undefined],
      ['GET', `/${code}`, undefined],
      ['PATCH', `/${code}`, { mostUses: 1_000 }],
    ] as const) {
      const call = { method, url: `/api/v1/coupons${path}`, ...(body ? { body } : {}) }
      assert.deepEqual(codeOf(await h.call({ ...call, token: shopper })), [403, 'auth.forbidden'])
      assert.deepEqual(codeOf(await h.call(call)), [401, 'auth.required'])
    }
  })

  test('the list goes page by page, and each coupon is on one of them', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => make({ kind: 'percent', percent: 1 })))
    const codes: string[] = []
    for (let after = ''; ; ) {
      const { body } = await h.call({ method: 'GET', url: `/api/v1/coupons?limit=2${after}`, token: staff })
      codes.push(...body.items.map(({ code }: { code: string }) => code))
      if (body.nextCursor === null) break
      after = `&after=${body.nextCursor}`
    }
    assert.deepEqual(codes, [...new Set(codes)])
    assert.ok(made.every((code) => codes.includes(code)))
    for (const place of [
      ['x', 'CODE'],
      ['2026-01-01T00:00:00.000Z', 'no code'],
      ['2026-99-01T00:00:00.000Z', 'CODE'],
      ['CODE'],
    ]) {
      const foreign = Buffer.from(JSON.stringify(place)).toString('base64url')
      const wrong = await h.call({ method: 'GET', url: `/api/v1/coupons?after=${foreign}`, token: staff })
      assert.deepEqual(codeOf(wrong), [400, 'request.bad-cursor'])
    }
  })

  test('a cart shows what a coupon takes off, and the checkout charges the rest', async () => {
    const code = await make({ kind: 'percent', percent: 15 })
    const cart = await filled()
    const applied = await apply(cart, code.toLowerCase())
    assert.deepEqual(
      [
        applied.status,
        applied.headers.get('etag'),
        applied.body.subtotal,
        applied.body.couponCode,
        applied.body.discount,
      ],
      [200, '"3"', usd(1_010), code, usd(152)],
    )
    assert.deepEqual(applied.body.total, usd(858))
    assert.deepEqual((await on(cart, 'GET')).body, applied.body)
    const more = await on(cart, 'POST /items', { sku: MUG, quantity: 1 })
    assert.deepEqual([more.body.discount, more.body.total], [usd(303), usd(1_717)])
    const removed = await on(cart, 'DELETE /coupon')
    assert.deepEqual([removed.status, removed.body.couponCode, removed.body.total], [200, null, usd(2_020)])
    assert.deepEqual(codeOf(await on(cart, 'DELETE /coupon')), [404, 'cart.no-coupon'])
    assert.deepEqual(await counted(code), { counter: 0, rows: 0, kept: 0 })

    await apply(cart, code)
    const answer = await checkout(cart, { email: 'Ada.Lovelace@Example.Test' })
    assert.deepEqual([answer.status, answer.body.total], [202, usd(1_717)])
    const { orderId } = answer.body
    const [sent] = (await h.outbox()).filter(({ data }) => data['orderId'] === orderId)
    const discount = { couponCode: code, amount: usd(303) }
    assert.deepEqual([sent?.data['total'], sent?.data['discount']], [usd(1_717), discount])
    const stored = await h.database.query(
      'SELECT total_minor::int AS total, discount_minor::int AS discount, coupon_code AS code FROM checkouts WHERE order_id = $1',
      [orderId],
    )
    assert.deepEqual(stored, [{ total: 1_717, discount: 303, code }])
    const [use] = await usesOf(code)
    assert.deepEqual([use?.order_id, use?.discount, use?.back], [orderId, 303, false])
    assert.match(use?.customer ?? '', /^[\w-]{43}$/) // a digest: nothing of the address
    const asked = await queryClients(h.internalToken)(CartQueries, [h.grpcUrl]).getCheckout({ orderId })
    assert.deepEqual([asked.totalMinor, asked.discountMinor, asked.couponCode], [1_717n, 303n, code])
    for (const late of [await apply(cart, code), await on(cart, 'DELETE /coupon')])
      assert.deepEqual(codeOf(late), [409, 'cart.checked-out'])
  })

  test('a coupon for more than the cart costs makes it free, never less', async () => {
    const cart = await withCoupon(await make({ kind: 'amount', amount: usd(5_000) }))
    const { body } = await checkout(cart)
    assert.deepEqual(body.total, usd(0))
  })

  test('a code that is not good is refused and tells no more than needed', async () => {
    const cart = await filled()
    const now = h.clock.now().getTime()
    const later = await make({ kind: 'percent', percent: 50, startsAt: new Date(now + DAY_MS).toISOString() })
    const over = await make({ kind: 'percent', percent: 50, endsAt: h.clock.now().toISOString() })
    const euros = await make({ kind: 'amount', amount: { minor: 100, currency: 'EUR' } })
    const headers = { ...cart.key.headers, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    const early = await apply({ ...cart, key: { headers } }, later)
    const unknown = await apply({ ...cart, key: { headers } }, 'NO-SUCH-CODE')
    assert.deepEqual(codeOf(unknown), [422, 'cart.coupon-not-valid'])
    assert.deepEqual([early.status, early.text], [unknown.status, unknown.text])
    assert.deepEqual(codeOf(await apply(cart, over)), [422, 'cart.coupon-expired'])
    assert.deepEqual(codeOf(await apply(cart, euros)), [422, 'cart.coupon-currency-mismatch'])
    for (const body of [{}, { code: '' }, { code: 'A B' }, { code: 1 }, { code: null }, { code: 'GOOD', percent: 100 }])
      assert.deepEqual(codeOf(await on(cart, 'PUT /coupon', body)), [400, 'request.invalid'])
    const tagged = { headers: { ...cart.key.headers, 'if-match': '"1"' } }
    assert.deepEqual(codeOf(await apply({ ...cart, key: tagged }, over)), [412, 'cart.version-mismatch'])
    assert.deepEqual(codeOf(await apply({ ...cart, key: {} }, over)), [404, 'cart.unknown'])
    assert.equal((await on(cart, 'GET')).body.version, 2)
  })

  test('what was good when it was put in and is not any more is refused by the checkout, which writes nothing', async () => {
    const expiring = await make({
      kind: 'percent',
      percent: 10,
      endsAt: new Date(h.clock.now().getTime() + 1_000).toISOString(),
    })
    const scarce = await make({ kind: 'percent', percent: 10, mostUses: 1 })
    const [first, second, third] = [await withCoupon(expiring), await withCoupon(scarce), await withCoupon(scarce)]
    await bought(third)
    h.clock.advance(1_000)
    const rows = () =>
      h.database.query('SELECT (SELECT count(*) FROM checkouts), (SELECT count(*) FROM outbox) AS sent')
    const before = await rows()
    assert.deepEqual(codeOf(await checkout(first)), [422, 'cart.coupon-expired'])
    assert.deepEqual(codeOf(await checkout(second)), [409, 'cart.coupon-used-up'])
    assert.deepEqual(codeOf(await apply(second, scarce)), [409, 'cart.coupon-used-up'])
    assert.deepEqual(await rows(), before)
    assert.deepEqual(await counted(scarce), { counter: 1, rows: 1, kept: 1 })
    assert.equal((await on(second, 'GET')).body.status, 'open')
    await on(second, 'DELETE /coupon')
    assert.deepEqual((await checkout(second)).body.total, usd(1_010))
  })

  test('50 shoppers at once for a coupon of 10 uses: exactly 10 get it', async () => {
    const code = await make({ kind: 'percent', percent: 10, mostUses: 10 })
    const carts = await Promise.all(Array.from({ length: 50 }, () => withCoupon(code)))
    const answers = await Promise.all(carts.map((cart) => checkout(cart)))
    assert.deepEqual(tally(answers), { '202': 10, 'cart.coupon-used-up': 40 })
    assert.deepEqual(await counted(code), { counter: 10, rows: 10, kept: 10 })
  })

  test('20 carts of one guest, and 20 of one customer, at once for a coupon that each may use twice', async () => {
    const code = await make({ kind: 'amount', amount: usd(100), mostUsesPerCustomer: 2 })
    const customer = { token: await h.token() }
    const spellings = ['eve@example.test', 'EVE@example.test', '\uff45ve@example.test']
    const race = async (key: Key | undefined) => {
      const carts = await Promise.all(Array.from({ length: 20 }, () => withCoupon(code, key)))
      return Promise.all(carts.map((cart, turn) => checkout(cart, { email: spellings[turn % 3] ?? '' })))
    }
    for (const answers of await Promise.all([race(undefined), race(customer)]))
      assert.deepEqual(tally(answers), { '202': 2, 'cart.coupon-used-before': 18 })
    assert.deepEqual(await counted(code), { counter: 4, rows: 4, kept: 4 })
    assert.deepEqual(codeOf(await patch(code, { mostUsesPerCustomer: 1 })), [409, 'coupon.limit-below-uses'])
    assert.deepEqual(codeOf(await patch(code, { mostUses: 3 })), [409, 'coupon.limit-below-uses'])
    assert.equal((await patch(code, { mostUses: 4 })).status, 200)
  })

  test('the staff lowers the limit while shoppers race for it: never more uses than the limit says', async () => {
    const code = await make({ kind: 'percent', percent: 10, mostUses: 20 })
    const carts = await Promise.all(Array.from({ length: 30 }, () => withCoupon(code)))
    const [lowered, ...answers] = await Promise.all([
      patch(code, { mostUses: 5 }),
      ...carts.map((cart) => checkout(cart)),
    ])
    const { uses, mostUses } = await read(code)
    assert.equal(mostUses, lowered?.status === 200 ? 5 : 20)
    assert.deepEqual([uses, tally(answers)['202']], [mostUses, mostUses])
  })

  test('one checkout sent six times at once with its key takes one use', async () => {
    const code = await make({ kind: 'percent', percent: 10, mostUses: 1 })
    const cart = await withCoupon(code)
    const same = { idempotencyKey: randomUUID(), email: 'ada@example.test' }
    await Promise.all(Array.from({ length: 6 }, () => checkout(cart, same)))
    assert.equal((await checkout(cart, same)).status, 202)
    assert.deepEqual(await counted(code), { counter: 1, rows: 1, kept: 1 })
  })

  test('a cancelled order gives its use back once, before or after its confirmation, each message twice', async () => {
    const code = await make({ kind: 'percent', percent: 10, mostUses: 3, mostUsesPerCustomer: 1 })
    const email = 'grace@example.test'
    const first = await bought(await withCoupon(code), { email })
    const [second, third] = [await bought(await withCoupon(code)), await bought(await withCoupon(code))]
    const refused = await filled()
    assert.deepEqual(codeOf(await apply(refused, code)), [409, 'cart.coupon-used-up'])

    await h.deliver(OrderConfirmed, confirmed(first))
    assert.deepEqual(await counted(code), { counter: 3, rows: 3, kept: 3 })
    await h.deliver(OrderCancelled, cancelled(first))
    assert.deepEqual(await counted(code), { counter: 2, rows: 3, kept: 2 })
    await h.deliver(OrderCancelled, cancelled(first)) // said again, as another message
    await h.deliver(OrderConfirmed, confirmed(first))
    assert.deepEqual(await counted(code), { counter: 2, rows: 3, kept: 2 })

    await h.deliver(OrderCancelled, cancelled(second))
    await h.deliver(OrderConfirmed, confirmed(second))
    assert.deepEqual(await counted(code), { counter: 1, rows: 3, kept: 1 })
    await h.deliver(OrderConfirmed, confirmed(third))

    await bought(await withCoupon(code), { email }) // hers was given back, so she may again
    assert.deepEqual(codeOf(await checkout(await withCoupon(code), { email })), [409, 'cart.coupon-used-before'])
    assert.deepEqual(await counted(code), { counter: 2, rows: 4, kept: 2 })
  })

  test('cancellations of several coupons in one batch, and of orders without one', async () => {
    const [one, other] = [await make({ kind: 'percent', percent: 10 }), await make({ kind: 'percent', percent: 20 })]
    const orders = [
      await bought(await withCoupon(other)),
      await bought(await withCoupon(one)),
      await bought(await withCoupon(other)),
      await bought(await filled()),
      { cartId: randomUUID(), orderId: randomUUID() },
    ]
    const kept = await bought(await withCoupon(one))
    await h.deliverBatch([
      ...orders.map((order) => ({ type: OrderCancelled as never, data: cancelled(order) })),
      { type: OrderConfirmed as never, data: confirmed(kept) },
    ])
    assert.deepEqual(await counted(one), { counter: 1, rows: 2, kept: 1 })
    assert.deepEqual(await counted(other), { counter: 0, rows: 2, kept: 0 })
  })

  test('uses given back while others want them: the counter is what the rows say', async () => {
    const code = await make({ kind: 'percent', percent: 10, mostUses: 5 })
    const firsts = await Promise.all(Array.from({ length: 5 }, async () => bought(await withCoupon(code))))
    const limit = await patch(code, { mostUses: 6 })
    assert.equal(limit.status, 200)
    const carts = await Promise.all(Array.from({ length: 12 }, () => withCoupon(code)))
    const [answers] = await Promise.all([
      Promise.all(carts.map((cart) => checkout(cart))),
      ...firsts.map((order) => h.deliver(OrderCancelled, cancelled(order))),
    ])
    const { counter, kept } = await counted(code)
    assert.equal(counter, kept)
    assert.equal(kept, tally(answers)['202'])
    assert.ok(counter >= 1 && counter <= 6)
  })
})

const usd = (minor: number) => ({ minor, currency: 'USD' })

const codeOf = (answer: HttpAnswer) => [answer.status, answer.body.code]

/** How many were accepted, and how many refused with which code. */
const tally = (answers: readonly HttpAnswer[]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status, body }) => body.code ?? String(status))).map(([what, all]) => [
      what,
      all?.length ?? 0,
    ]),
  )

const confirmed = ({ cartId, orderId }: { cartId: string; orderId: string }) => ({
  ...{ orderId, cartId, number: orderNumber(orderId), customerId: null, paymentId: randomUUID() },
  lines: [{ lineId: randomUUID(), sku: MUG, title: 'T', quantity: 1, unitPrice: usd(1_010) }],
  total: usd(909),
  confirmedAt: '2026-11-21T12:00:00.000Z',
})

const cancelled = ({ cartId, orderId }: { cartId: string; orderId: string }) => ({
  ...{ orderId, cartId, number: orderNumber(orderId), customerId: null },
  reason: 'customer' as const,
  wasConfirmed: false,
  cancelledAt: '2026-11-21T12:00:00.000Z',
})
