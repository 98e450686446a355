import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CartCheckedOut } from '@micromart/contracts/cart'
import { StockCommitRefused, StockRejected, StockReserved } from '@micromart/contracts/inventory'
import type { DataOf } from '@micromart/contracts/message'
import {
  PaymentActionRequired,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentDeclined,
  PaymentRefunded,
} from '@micromart/contracts/payment'
import { hashCartToken, newCartToken } from '@micromart/http-kit/cart-token'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { order } from '../src/main.ts'
import { startCheckoutServer } from './checkout-server.ts'

const MINUTE_MS = 60_000
const total = { minor: 2_800, currency: 'USD' }

type Discounted = Pick<Required<DataOf<typeof CartCheckedOut>>, 'total' | 'discount'>

describe('the order service', () => {
  let h: ServiceHarness
  let cart: Awaited<ReturnType<typeof startCheckoutServer>>
  before(async () => {
    cart = await startCheckoutServer()
    h = await startServiceForTest(order, { env: cart.env })
  })
  after(async () => {
    await h.close()
    await cart.close()
  })

  const place = async ({ customerId = null, ...change }: { customerId?: string | null } & Partial<Discounted> = {}) => {
    const orderId = randomUUID()
    const cartToken = newCartToken()
    await h.deliver(CartCheckedOut, {
      orderId,
      cartId: randomUUID(),
      customerId,
      guestTokenHash: customerId ? null : hashCartToken(cartToken),
      lines: [
        { lineId: randomUUID(), sku: 'MUG', title: 'Mug', quantity: 2, unitPrice: { minor: 1_400, currency: 'USD' } },
      ],
      total,
      paymentMethod: 'sandbox:success',
      checkedOutAt: h.clock.now().toISOString(),
      ...change,
    })
    return { orderId, headers: { 'cart-token': cartToken } }
  }
  const reserve = (orderId: string) => h.deliver(StockReserved, { orderId, expiresAt: h.clock.now().toISOString() })
  const payment = (orderId: string) => ({ orderId, paymentId: randomUUID(), amount: total })
  const get = (orderId: string, headers: Record<string, string>, path = '') =>
    h.call({ method: 'GET', url: `/api/v1/orders/${orderId}${path}`, headers })
  const sentFor = async (orderId: string) =>
    (await h.outbox())
      .filter(({ data }) => data['orderId'] === orderId)
      .map(({ type }) => type.replace('micromart.order.', ''))

  test('goes from checkout to confirmed, and says each thing once though each message comes twice', async () => {
    const { orderId, headers } = await place()
    assert.equal((await get(orderId, headers)).body.status, 'placed')
    await reserve(orderId)
    assert.equal((await get(orderId, headers)).body.status, 'awaiting-payment')
    await h.deliver(PaymentAuthorized, payment(orderId))
    await h.deliver(PaymentCaptured, payment(orderId))
    const { body } = await get(orderId, headers)
    assert.equal(body.status, 'confirmed')
    assert.deepEqual(body.total, total)
    assert.match(body.number, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/)
    assert.deepEqual(await sentFor(orderId), ['placed.v1', 'payment-due.v1', 'confirmed.v1'])
    const timeline = (await get(orderId, headers, '/timeline')).body
    assert.deepEqual(
      timeline.events.map((event: { type: string }) => event.type),
      ['OrderPlaced', 'StockSecured', 'OrderConfirmed', 'PaymentCaptured'],
    )
    assert.ok(timeline.events.every((event: { at: string; causationId: string }) => event.at && event.causationId))
    assert.ok(!JSON.stringify(timeline).includes('guestTokenHash'))
  })

  test('a discount is told with the total, and only what is charged is asked for, confirmed and given back', async () => {
    const discounted = {
      total: { minor: 2_520, currency: 'USD' },
      discount: { couponCode: 'SPRING', amount: { minor: 280, currency: 'USD' } },
    }
    const { orderId, headers } = await place(discounted)
    await reserve(orderId)
    const sent = async () =>
      (await h.outbox()).filter(({ data }) => data['orderId'] === orderId).map(({ data }) => data)
    assert.deepEqual((await sent()).at(-1)?.['amount'], discounted.total)
    const other = { ...payment(orderId), amount: total } // the sum of the lines
    await h.deliver(PaymentAuthorized, other)
    assert.equal((await get(orderId, headers)).body.status, 'awaiting-payment')
    await h.deliver(PaymentAuthorized, { ...other, amount: discounted.total })
    const { body } = await get(orderId, headers)
    assert.deepEqual([body.status, body.total, body.discount], ['confirmed', discounted.total, discounted.discount])
    const confirmed = (await sent()).at(-1)
    assert.deepEqual([confirmed?.['total'], confirmed?.['discount']], [discounted.total, discounted.discount])
    await h.call({ method: 'POST', url: `/api/v1/orders/${orderId}/cancel`, headers })
    await h.deliver(PaymentRefunded, { ...other, amount: discounted.total })
    const refunded = (await sent()).at(-1)
    assert.deepEqual([refunded?.['amount'], refunded?.['discount']], [discounted.total, discounted.discount])
    assert.deepEqual((await get(orderId, headers)).body.refunded, discounted.total)
  })

  for (const [what, message, reason] of [
    ['stock', (orderId: string) => h.deliver(StockRejected, { orderId, shortages: [] }), 'out-of-stock'],
    [
      'money',
      (orderId: string) => h.deliver(PaymentDeclined, { ...payment(orderId), reason: 'declined' }),
      'payment-declined',
    ],
  ] as const)
    test(`is cancelled when ${what} is refused`, async () => {
      const { orderId, headers } = await place()
      if (what === 'money') await reserve(orderId)
      await message(orderId)
      const { body } = await get(orderId, headers)
      assert.deepEqual([body.status, body.reason], ['cancelled', reason])
      assert.equal((await sentFor(orderId)).at(-1), 'cancelled.v1')
    })

  test('shows where to confirm a payment, and gives up when nobody does', async () => {
    const { orderId, headers } = await place()
    await reserve(orderId)
    await h.deliver(PaymentActionRequired, { ...payment(orderId), actionUrl: 'http://pay.test/1' })
    assert.equal((await get(orderId, headers)).body.payment.actionUrl, 'http://pay.test/1')
    h.clock.advance(16 * MINUTE_MS)
    await h.runTimers()
    const { body } = await get(orderId, headers)
    assert.deepEqual([body.status, body.reason], ['cancelled', 'payment-timeout'])
    await h.deliver(PaymentAuthorized, payment(orderId))
    assert.equal((await get(orderId, headers)).body.status, 'cancelled')
  })

  test('a confirmed order that is cancelled ends as refunded', async () => {
    const { orderId, headers } = await place()
    await reserve(orderId)
    await h.deliver(PaymentAuthorized, payment(orderId))
    const cancel = () =>
      h.call({
        method: 'POST',
        url: `/api/v1/orders/${orderId}/cancel`,
        headers: { ...headers, 'idempotency-key': 'cancel-once' },
      })
    const [first, second] = [await cancel(), await cancel()]
    assert.equal(first.status, 202)
    assert.equal(first.text, second.text)
    await h.deliver(PaymentRefunded, payment(orderId))
    const { body } = await get(orderId, headers)
    assert.deepEqual([body.status, body.reason, body.refunded], ['refunded', 'customer', total])
    const again = await h.call({ method: 'POST', url: `/api/v1/orders/${orderId}/cancel`, headers })
    assert.deepEqual([again.status, again.body.code], [409, 'order.already-refunded'])
    assert.deepEqual((await sentFor(orderId)).slice(-2), ['cancelled.v1', 'refunded.v1'])
  })

  test('a confirmed order whose pieces are gone is cancelled', async () => {
    const { orderId, headers } = await place()
    await reserve(orderId)
    await h.deliver(PaymentAuthorized, payment(orderId))
    await h.deliver(StockCommitRefused, { orderId, shortages: [] })
    assert.deepEqual((await get(orderId, headers)).body.reason, 'out-of-stock')
  })

  test('an order of somebody else and no order at all look the same', async () => {
    const owner = randomUUID()
    const { orderId } = await place({ customerId: owner })
    const asked = async (id: string, options: { token?: string; headers?: Record<string, string> }) => {
      const { status, body } = await h.call({ method: 'GET', url: `/api/v1/orders/${id}`, ...options })
      const { traceId: _, ...rest } = body
      return { status, rest }
    }
    const token = await h.token()
    const absent = await asked(randomUUID(), { token })
    assert.equal(absent.status, 404)
    assert.deepEqual(await asked(orderId, { token }), absent)
    assert.deepEqual(await asked(orderId, { headers: { 'cart-token': newCartToken() } }), absent)
    assert.deepEqual(await asked('not-an-id', {}), absent)
    assert.equal((await asked(orderId, { token: await h.token({ userId: owner }) })).status, 200)
    assert.equal((await asked(orderId, { token: await h.token({ roles: ['staff'] }) })).status, 200)
    assert.deepEqual(await asked(orderId, { token: await h.token({ keyScope: ['stock:write'] }) }), absent)
    assert.equal((await asked(orderId, { token: await h.token({ keyScope: ['orders:read'] }) })).status, 200)
  })

  test("to cancel somebody else's order one has to be allowed to write, not only to look", async () => {
    const { orderId } = await place({ customerId: randomUUID() })
    const cancel = async (token: string) => {
      const { status, body } = await h.call({ method: 'POST', url: `/api/v1/orders/${orderId}/cancel`, token })
      return [status, body.code ?? body.status]
    }
    assert.deepEqual(await cancel(await h.token()), [404, 'order.unknown'])
    assert.deepEqual(await cancel(await h.token({ keyScope: ['orders:read'] })), [403, 'auth.forbidden'])
    assert.deepEqual(await cancel(await h.token({ keyScope: ['orders:write'] })), [202, 'cancelled'])
  })

  test('a customer lists own orders, newest first, page by page', async () => {
    const owner = randomUUID()
    const placed = []
    for (let count = 0; count < 5; count++) placed.push((await place({ customerId: owner })).orderId)
    const token = await h.token({ userId: owner })
    const list = (query: string) => h.call({ method: 'GET', url: `/api/v1/orders${query}`, token })
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await list(`?limit=2${cursor}`)
      seen.push(...body.items.map((item: { id: string }) => item.id))
      cursor = body.nextCursor ? `&after=${body.nextCursor}` : ''
    } while (cursor !== '')
    assert.deepEqual(seen, placed.toSorted().reverse())
    for (const query of ['?limit=0', '?limit=101', '?limit=x', '?more=1'])
      assert.deepEqual([(await list(query)).status, (await list(query)).body.code], [400, 'request.invalid'], query)
    assert.equal((await list('?after=%25%25')).body.code, 'request.bad-cursor')
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/orders' })).status, 401)
  })

  test('a message about an order that does not exist becomes a dead letter with its reason', async () => {
    const orderId = randomUUID()
    await h.deliver(PaymentAuthorized, payment(orderId))
    const [letter] = await h.database.query<{ code: string; attempts: number }>(
      'SELECT code, attempts FROM dead_letters WHERE body LIKE $1',
      [`%${orderId}%`],
    )
    assert.deepEqual(letter, { code: 'order.unknown', attempts: 1 })
  })

  test('while cart is away nobody is told that an order does not exist: it may have been accepted a moment ago', async () => {
    await cart.close()
    const { status, body, headers } = await get(randomUUID(), { 'cart-token': newCartToken() })
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'service.unavailable', '1'])
  })
})
