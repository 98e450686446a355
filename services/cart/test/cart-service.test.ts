import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { OrderCancelled, OrderConfirmed } from '@micromart/contracts/order'
import { orderNumber } from '@micromart/contracts/order-number'
import { hashCartToken } from '@micromart/http-kit/cart-token'
import { queryClients } from '@micromart/service-kit/queries'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { cart as cartDefinition } from '../src/main.ts'
import { startCatalogue } from './fake-catalogue.ts'

const MUG = 'MUG-ENAMEL-WHITE'
const APRON = 'APRON-LINEN'
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const address = { name: 'Ada Example', line1: '1 Mill Lane', city: 'Leeds', postalCode: 'LS1 4AB', country: 'GB' }
const order = { email: 'ada@example.test', shippingAddress: address, payment: { method: 'sandbox:success' } }

interface Key {
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
}

describe('the cart service', () => {
  let h: ServiceHarness
  let catalogue: Awaited<ReturnType<typeof startCatalogue>>
  before(async () => {
    catalogue = await startCatalogue('test-internal-token')
    catalogue.put({ sku: MUG, minor: 1_400 })
    catalogue.put({ sku: APRON, minor: 3_800 })
    catalogue.put({ sku: 'EURO', minor: 100, currency: 'EUR' })
    h = await startServiceForTest(cartDefinition, { env: { PRODUCT_GRPC_URL: catalogue.url } })
  })
  after(async () => {
    await h.close()
    await catalogue.stop()
  })

  const guestCart = async () => {
    const { body } = await h.call({ method: 'POST', url: '/api/v1/carts', body: {} })
    return {
      id: body.id as string,
      token: body.token as string,
      key: { headers: { 'cart-token': body.token as string } },
    }
  }
  const add = (id: string, item: unknown, key: Key = {}) =>
    h.call({ method: 'POST', url: `/api/v1/carts/${id}/items`, body: item, ...key })
  const read = (id: string, key: Key = {}) => h.call({ method: 'GET', url: `/api/v1/carts/${id}`, ...key })
  const checkout = (id: string, options: { key: Key; body?: unknown; idempotencyKey?: string }) => {
    const { key, body = order, idempotencyKey = randomUUID() } = options
    const headers = { ...key.headers, 'idempotency-key': idempotencyKey }
    return h.call({ method: 'POST', url: `/api/v1/carts/${id}/checkout`, body, ...key, headers })
  }
  const placedOrder = async () => {
    const cart = await guestCart()
    await add(cart.id, { sku: MUG, quantity: 2 }, cart.key)
    const answer = await checkout(cart.id, { key: cart.key })
    assert.equal(answer.status, 202)
    return { ...cart, orderId: answer.body.orderId as string }
  }
  const sentFor = async (orderId: string) => (await h.outbox()).filter(({ data }) => data['orderId'] === orderId)
  const rows = async (table: 'checkouts' | 'checkout_contacts') =>
    (await h.database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count

  test('a guest fills a cart', async () => {
    const created = await h.call({ method: 'POST', url: '/api/v1/carts', body: {} })
    assert.equal(created.status, 201)
    const { id, token, ...fresh } = created.body
    assert.deepEqual(fresh, {
      version: 1,
      status: 'open',
      currency: 'USD',
      lines: [],
      ...{ subtotal: usd(0), couponCode: null, discount: usd(0), total: usd(0) },
    })
    assert.equal(created.headers.get('location'), `/api/v1/carts/${id}`)
    assert.equal(created.headers.get('etag'), '"1"')
    const key = { headers: { 'cart-token': token } }

    await add(id, { sku: MUG, quantity: 1 }, key)
    await add(id, { sku: APRON, quantity: 1 }, key)
    const added = await add(id, { sku: MUG, quantity: 2 }, key)
    assert.equal(added.status, 201)
    assert.equal(added.headers.get('etag'), '"4"')
    const [mug, apron] = added.body.lines
    assert.deepEqual(added.body, {
      id,
      version: 4,
      status: 'open',
      currency: 'USD',
      lines: [
        { id: mug.id, sku: MUG, title: `Title of ${MUG}`, quantity: 3, unitPrice: usd(1_400), lineTotal: usd(4_200) },
        {
          id: apron.id,
          sku: APRON,
          title: `Title of ${APRON}`,
          quantity: 1,
          unitPrice: usd(3_800),
          lineTotal: usd(3_800),
        },
      ],
      ...{ subtotal: usd(8_000), couponCode: null, discount: usd(0), total: usd(8_000) },
    })
    const patched = await h.call({
      method: 'PATCH',
      url: `/api/v1/carts/${id}/items/${mug.id}`,
      body: { quantity: 1 },
      ...key,
    })
    assert.deepEqual([patched.status, patched.body.total.minor], [200, 5_200])
    const emptied = await h.call({
      method: 'PATCH',
      url: `/api/v1/carts/${id}/items/${mug.id}`,
      body: { quantity: 0 },
      ...key,
    })
    assert.equal(emptied.body.lines.length, 1)
    const deleted = await h.call({ method: 'DELETE', url: `/api/v1/carts/${id}/items/${apron.id}`, ...key })
    assert.deepEqual([deleted.status, deleted.body.lines, deleted.body.version], [200, [], 7])
    const again = await h.call({ method: 'DELETE', url: `/api/v1/carts/${id}/items/${apron.id}`, ...key })
    assert.deepEqual([again.status, again.body.code], [404, 'cart.unknown-line'])
    const found = await read(id, key)
    assert.deepEqual([found.body, found.headers.get('etag')], [deleted.body, '"7"'])
  })

  test('a signed-in customer owns the cart and needs no Cart-Token', async () => {
    const token = await h.token()
    const created = await h.call({ method: 'POST', url: '/api/v1/carts', body: { currency: 'EUR' }, token })
    assert.deepEqual([created.body.token, created.body.currency], [null, 'EUR'])
    assert.equal((await add(created.body.id, { sku: 'EURO', quantity: 1 }, { token })).status, 201)
    assert.equal((await read(created.body.id, { token })).status, 200)
  })

  test("somebody else's cart is answered as one that does not exist, byte for byte", async () => {
    const mine = await guestCart()
    await add(mine.id, { sku: MUG, quantity: 1 }, mine.key)
    const { body: lines } = await read(mine.id, mine.key)
    const other = await guestCart()
    const owner = await h.token()
    const { body: customers } = await h.call({ method: 'POST', url: '/api/v1/carts', body: {}, token: owner })
    const stranger = await h.token({ roles: ['customer', 'staff'] })
    const lineId = lines.lines[0].id
    const attempts: { method: string; path: string; body?: unknown }[] = [
      { method: 'GET', path: '' },
      { method: 'POST', path: '/items', body: { sku: MUG, quantity: 1 } },
      { method: 'POST', path: '/items', body: { sku: 'NO-SUCH', quantity: 1 } },
      { method: 'PATCH', path: `/items/${lineId}`, body: { quantity: 0 } },
      { method: 'DELETE', path: `/items/${lineId}` },
      { method: 'POST', path: '/checkout', body: order },
    ]
    const keys: Key[] = [{}, other.key, { token: stranger }, { headers: { 'cart-token': hashCartToken(mine.token) } }]
    for (const { path, ...call } of attempts)
      for (const key of keys) {
        const answers = []
        for (const id of [mine.id, customers.id, randomUUID(), 'nonsense', '%00']) {
          const headers = { ...key.headers, traceparent: TRACE, 'idempotency-key': randomUUID() }
          const answer = await h.call({ ...call, url: `/api/v1/carts/${id}${path}`, ...key, headers })
          answers.push(`${answer.status} ${answer.text}`)
        }
        assert.match(answers[0] ?? '', /^404 .*"cart\.unknown"/)
        assert.equal(new Set(answers).size, 1, JSON.stringify(answers))
      }
    assert.deepEqual((await read(mine.id, mine.key)).body, lines)
  })

  test('If-Match keeps a change from what it was not made for', async () => {
    const { id, key } = await guestCart()
    const tagged = (tag: string) => add(id, { sku: MUG, quantity: 1 }, { headers: { ...key.headers, 'if-match': tag } })
    assert.equal((await tagged('"1"')).status, 201)
    for (const tag of ['"1"', 'W/"2"', '2', 'x']) {
      const answer = await tagged(tag)
      assert.deepEqual([answer.status, answer.body.code], [412, 'cart.version-mismatch'])
    }
    assert.equal((await tagged('"9", "2"')).status, 201)
    assert.equal((await tagged('*')).body.version, 4)
  })

  test('what cannot be priced is not added; without the catalogue nothing is', async () => {
    const { id, key } = await guestCart()
    assert.deepEqual(codeOf(await add(id, { sku: 'NO-SUCH', quantity: 1 }, key)), [422, 'cart.unknown-sku'])
    assert.deepEqual(codeOf(await add(id, { sku: 'EURO', quantity: 1 }, key)), [422, 'cart.currency-mismatch'])
    const keyed = { headers: { ...key.headers, 'idempotency-key': 'one' } }
    const first = await add(id, { sku: MUG, quantity: 1 }, keyed)
    await catalogue.stop()
    const down = await add(id, { sku: APRON, quantity: 1 }, key)
    assert.deepEqual(codeOf(down), [503, 'cart.catalogue-unavailable'])
    assert.ok(down.headers.get('retry-after'))
    const repeat = await add(id, { sku: MUG, quantity: 1 }, keyed)
    assert.deepEqual([repeat.status, repeat.text], [201, first.text])
    const bought = await checkout(id, { key })
    assert.equal(bought.status, 202)
    await catalogue.start()
    const { id: next, key: nextKey } = await guestCart()
    assert.equal((await add(next, { sku: APRON, quantity: 1 }, nextKey)).status, 201)
  })

  test('a cart started twice with one key is two carts: the answer with its token is not kept', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const start = () => h.call({ method: 'POST', url: '/api/v1/carts', body: {}, headers })
    const [first, second] = [(await start()).body, (await start()).body]
    assert.notEqual(first.id, second.id)
    const kept = await h.database.query('SELECT body FROM idempotency_keys WHERE key = $1', [
      headers['idempotency-key'],
    ])
    assert.deepEqual(kept, [])
  })

  test('many at once lose nothing', async () => {
    const { id, key } = await guestCart()
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => add(id, { sku: index % 2 ? MUG : APRON, quantity: 1 }, key)),
    )
    const { body } = await read(id, key)
    assert.equal(body.version, 13)
    assert.deepEqual(
      body.lines.map(({ quantity }: { quantity: number }) => quantity),
      [6, 6],
    )
  })

  test('checkout freezes the cart, hands it over and keeps the personal data here', async () => {
    const { id, key, token } = await guestCart()
    await add(id, { sku: MUG, quantity: 2 }, key)
    const answer = await checkout(id, { key })
    const { orderId } = answer.body
    assert.equal(answer.status, 202)
    assert.equal(answer.headers.get('location'), `/api/v1/orders/${orderId}`)
    assert.deepEqual(answer.body, {
      orderId,
      number: orderNumber(orderId),
      status: 'placed',
      total: usd(2_800),
      cartId: id,
    })
    const frozen = (await read(id, key)).body
    assert.equal(frozen.status, 'checked-out')
    const [sent, ...more] = await sentFor(orderId)
    assert.deepEqual(more, [])
    assert.deepEqual(sent, {
      type: 'micromart.cart.checked-out.v1',
      data: {
        orderId,
        cartId: id,
        customerId: null,
        guestTokenHash: hashCartToken(token),
        lines: [{ lineId: frozen.lines[0].id, sku: MUG, title: `Title of ${MUG}`, quantity: 2, unitPrice: usd(1_400) }],
        total: usd(2_800),
        paymentMethod: 'sandbox:success',
        checkedOutAt: h.clock.now().toISOString(),
      },
    })
    assert.deepEqual(codeOf(await checkout(id, { key })), [409, 'cart.checked-out'])
    assert.deepEqual(codeOf(await add(id, { sku: MUG, quantity: 1 }, key)), [409, 'cart.checked-out'])
    const line = `/api/v1/carts/${id}/items/${frozen.lines[0].id}`
    assert.deepEqual(codeOf(await h.call({ method: 'PATCH', url: line, body: { quantity: 1 }, ...key })), [
      409,
      'cart.checked-out',
    ])
    assert.deepEqual(codeOf(await h.call({ method: 'DELETE', url: line, ...key })), [409, 'cart.checked-out'])
    assert.equal((await sentFor(orderId)).length, 1)
  })

  test('the same Idempotency-Key checks out once, another body is refused, none is asked for', async () => {
    const { id, key } = await guestCart()
    await add(id, { sku: MUG, quantity: 1 }, key)
    const missing = await h.call({ method: 'POST', url: `/api/v1/carts/${id}/checkout`, body: order, ...key })
    assert.deepEqual(codeOf(missing), [400, 'idempotency.key-required'])
    const before = await rows('checkouts')
    const idempotencyKey = randomUUID()
    const racing = await Promise.all(Array.from({ length: 6 }, () => checkout(id, { key, idempotencyKey })))
    for (const answer of racing) assert.ok([202, 409].includes(answer.status))
    const [first, second] = [await checkout(id, { key, idempotencyKey }), await checkout(id, { key, idempotencyKey })]
    assert.deepEqual([first.status, second.status, second.text], [202, 202, first.text])
    assert.equal(second.headers.get('location'), first.headers.get('location'))
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
    assert.equal(await rows('checkouts'), (before ?? 0) + 1)
    const other = await checkout(id, { key, idempotencyKey, body: { ...order, email: 'else@example.test' } })
    assert.deepEqual(codeOf(other), [422, 'idempotency.key-reused'])
    assert.equal((await sentFor(first.body.orderId)).length, 1)
  })

  test('two checkouts of one cart under different keys make one order', async () => {
    const { id, key } = await guestCart()
    await add(id, { sku: MUG, quantity: 1 }, key)
    const answers = await Promise.all(Array.from({ length: 5 }, () => checkout(id, { key })))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409, 409, 409, 409])
  })

  test('bad input is refused with a stable code and changes nothing', async () => {
    const { id, key } = await guestCart()
    const empty = await checkout(id, { key })
    assert.deepEqual(codeOf(empty), [422, 'cart.empty'])
    await add(id, { sku: MUG, quantity: 1 }, key)
    const items: [unknown, number, string][] = [
      [{ sku: MUG }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: 0 }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: 1_001 }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: 1.5 }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: '1' }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: -1 }, 400, 'request.invalid'],
      [{ sku: `${MUG}\u0000`, quantity: 1 }, 400, 'request.invalid'],
      [{ sku: '', quantity: 1 }, 400, 'request.invalid'],
      [{ sku: 'x'.repeat(65), quantity: 1 }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: 1, unitPrice: { minor: 1, currency: 'USD' } }, 400, 'request.invalid'],
      [{ sku: MUG, quantity: 1_000 }, 422, 'cart.quantity-too-large'],
      ['{"sku":', 400, 'request.malformed'],
      [[], 400, 'request.invalid'],
    ]
    for (const [body, status, code] of items)
      assert.deepEqual(codeOf(await add(id, body, key)), [status, code], JSON.stringify(body))
    const shipTo = (change: object) => ({ ...order, shippingAddress: { ...address, ...change } })
    const checkouts: [unknown, number, string][] = [
      [{}, 400, 'request.invalid'],
      [{ ...order, email: 'not an address' }, 400, 'request.invalid'],
      [{ ...order, email: 'a@b.test\r\nbcc: c@d.test' }, 400, 'request.invalid'],
      [{ ...order, total: 1 }, 400, 'request.invalid'],
      [{ ...order, payment: { method: '' } }, 400, 'request.invalid'],
      [{ ...order, payment: { method: 'card', cardNumber: '4242424242424242' } }, 400, 'request.invalid'],
      [{ ...order, payment: { method: '4242 4242 4242 4242' } }, 422, 'cart.card-number'],
      [shipTo({ line2: 'card 4242424242424242' }), 422, 'cart.card-number'],
      [shipTo({ country: 'Britain' }), 400, 'request.invalid'],
      [shipTo({ name: 'A\u0000da' }), 400, 'request.invalid'],
      [shipTo({ city: 'x'.repeat(101) }), 400, 'request.invalid'],
      [{ shippingAddress: address, payment: order.payment }, 422, 'cart.email-required'],
    ]
    const before = [await rows('checkouts'), await rows('checkout_contacts'), (await h.outbox()).length]
    for (const [body, status, code] of checkouts)
      assert.deepEqual(codeOf(await checkout(id, { key, body })), [status, code], JSON.stringify(body))
    assert.deepEqual([await rows('checkouts'), await rows('checkout_contacts'), (await h.outbox()).length], before)
    const { body } = await read(id, key)
    assert.deepEqual([body.version, body.status, body.lines.length], [2, 'open', 1])
    for (const wrong of [{ currency: 'usd' }, { currency: 'DOLLARS' }, { token: 'mine' }, 'text'])
      assert.equal((await h.call({ method: 'POST', url: '/api/v1/carts', body: wrong })).status, 400)
    assert.equal((await read(id, { token: 'not.a.token' })).status, 401)
  })

  test('a confirmed order clears its cart, a cancelled one releases it, each message twice and in any order', async () => {
    const first = await placedOrder()
    await h.deliver(OrderConfirmed, confirmed(first))
    const ordered = (await read(first.id, first.key)).body
    assert.deepEqual([ordered.status, ordered.lines, ordered.version], ['ordered', [], 4])
    await h.deliver(OrderCancelled, cancelled(first))
    assert.equal((await read(first.id, first.key)).body.status, 'released')

    const second = await placedOrder()
    await h.deliver(OrderCancelled, cancelled(second))
    await h.deliver(OrderConfirmed, confirmed(second))
    const released = (await read(second.id, second.key)).body
    assert.deepEqual([released.status, released.version, released.lines.length], ['released', 4, 1])
    assert.deepEqual(codeOf(await add(second.id, { sku: MUG, quantity: 1 }, second.key)), [409, 'cart.checked-out'])

    const third = await placedOrder()
    await h.deliver(OrderConfirmed, confirmed({ id: third.id, orderId: randomUUID() }))
    assert.equal((await read(third.id, third.key)).body.status, 'checked-out')
  })

  test('other services ask over gRPC what was checked out and where it goes', async () => {
    const token = await h.token({ userId: '01970000-0000-7000-8000-000000000001' })
    const { body: created } = await h.call({ method: 'POST', url: '/api/v1/carts', body: {}, token })
    await add(created.id, { sku: APRON, quantity: 3 }, { token })
    const body = { shippingAddress: { ...address, line2: 'Flat 4' }, payment: order.payment }
    const { orderId } = (await checkout(created.id, { key: { token }, body })).body
    const queries = queryClients(h.internalToken)(CartQueries, [h.grpcUrl])
    const { lines, $typeName: _, ...found } = await queries.getCheckout({ orderId })
    assert.deepEqual(found, {
      found: true,
      orderId,
      cartId: created.id,
      customerId: '01970000-0000-7000-8000-000000000001',
      guestTokenHash: '',
      currency: 'USD',
      totalMinor: 11_400n,
      checkedOutAt: h.clock.now().toISOString(),
      paymentMethod: 'sandbox:success',
      ...{ discountMinor: 0n, couponCode: '' },
    })
    assert.deepEqual(
      lines.map(({ sku, quantity, unitPriceMinor }) => [sku, quantity, unitPriceMinor]),
      [[APRON, 3, 3_800n]],
    )
    const contact = await queries.getOrderContact({ orderId })
    assert.deepEqual(
      [contact.found, contact.name, contact.email, contact.customerId],
      [true, 'Ada Example', '', found.customerId],
    )
    assert.deepEqual([contact.address?.line2, contact.address?.region, contact.address?.country], ['Flat 4', '', 'GB'])
    const guest = await placedOrder()
    assert.equal((await queries.getOrderContact({ orderId: guest.orderId })).email, 'ada@example.test')
    assert.equal((await queries.getCheckout({ orderId: guest.orderId })).guestTokenHash, hashCartToken(guest.token))
    for (const unknown of [randomUUID(), 'nonsense', '']) {
      assert.equal((await queries.getCheckout({ orderId: unknown })).found, false)
      assert.equal((await queries.getOrderContact({ orderId: unknown })).found, false)
    }
    await assert.rejects(queryClients('wrong')(CartQueries, [h.grpcUrl]).getCheckout({ orderId }), /unauthenticated/)
  })
})

const usd = (minor: number) => ({ minor, currency: 'USD' })

const codeOf = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

const confirmed = ({ id, orderId }: { id: string; orderId: string }) => ({
  orderId,
  number: orderNumber(orderId),
  cartId: id,
  customerId: null,
  paymentId: randomUUID(),
  lines: [{ lineId: randomUUID(), sku: MUG, title: 'T', quantity: 2, unitPrice: usd(1_400) }],
  total: usd(2_800),
  confirmedAt: '2026-11-21T12:00:00.000Z',
})

const cancelled = ({ id, orderId }: { id: string; orderId: string }) => ({
  orderId,
  number: orderNumber(orderId),
  cartId: id,
  customerId: null,
  reason: 'customer' as const,
  wasConfirmed: false,
  cancelledAt: '2026-11-21T12:00:00.000Z',
})
