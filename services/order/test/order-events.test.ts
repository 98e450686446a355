import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CartCheckedOut } from '@micromart/contracts/cart'
import { StockRejected, StockReserved } from '@micromart/contracts/inventory'
import { PaymentAuthorized, PaymentCaptured, PaymentRefunded } from '@micromart/contracts/payment'
import { hashCartToken, newCartToken } from '@micromart/http-kit/cart-token'
import { appendEvents } from '@micromart/postgres/event-log'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { until } from '@micromart/testkit/until'
import type { OrderEvent } from '../src/domain/order.ts'
import { order } from '../src/main.ts'
import { startCheckoutServer } from './checkout-server.ts'

const total = { minor: 2_800, currency: 'USD' }

interface Told {
  readonly id: string | undefined
  readonly event: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely
  readonly data: any
}

const toldIn = (text: string): readonly Told[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const data = field('data')
      return data === undefined ? [] : [{ id: field('id'), event: field('event'), data: JSON.parse(data) }]
    })

describe('the events of an order', () => {
  let h: ServiceHarness
  let cart: Awaited<ReturnType<typeof startCheckoutServer>>
  before(async () => {
    cart = await startCheckoutServer()
    h = await startServiceForTest(order, {
      env: { ...cart.env, ORDER_STREAMS_PER_CLIENT: '2', ORDER_STREAMS: '4' },
    })
  })
  after(async () => {
    await h.close()
    await cart.close()
  })

  const place = async (customerId: string | null = null) => {
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
    })
    return { orderId, headers: { 'cart-token': cartToken } }
  }
  const reserve = (orderId: string) => h.deliver(StockReserved, { orderId, expiresAt: h.clock.now().toISOString() })
  const payment = (orderId: string) => ({ orderId, paymentId: randomUUID(), amount: total })
  const pay = async (orderId: string) => {
    await reserve(orderId)
    await h.deliver(PaymentAuthorized, payment(orderId))
    await h.deliver(PaymentCaptured, payment(orderId))
  }

  const open = async (orderId: string, headers: Record<string, string> = {}) => {
    const stop = new AbortController()
    const url = `${h.url}/api/v1/orders/${orderId}/events`
    const response = await fetch(url, { headers, signal: stop.signal })
    let text = ''
    const read = async () => {
      if (response.body === null) return
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) text += part
    }
    const ended = read()
    ended.catch(() => {}) // cut off by the test itself
    const heard = () => toldIn(text)
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      response,
      heard,
      steps: () => heard().map(({ id, data }) => [id, data.type, data.status]),
      has: (count: number) =>
        until(async () => heard().length >= count && heard(), { what: `${count} events, not ${text}` }),
      text: () => ended.then(() => text),
      close: () => stop.abort(),
    }
  }

  test('come as they happen, from the first on, and end when the order is settled', async () => {
    const { orderId, headers } = await place()
    const stream = await open(orderId, headers)
    assert.deepEqual([stream.status, stream.type], [200, 'text/event-stream'])
    assert.equal(stream.response.headers.get('cache-control'), 'no-store')
    await stream.has(1)
    await reserve(orderId)
    await stream.has(2)
    await h.deliver(PaymentAuthorized, payment(orderId))
    await stream.has(3)
    await h.deliver(PaymentCaptured, payment(orderId))
    const text = await stream.text()
    assert.deepEqual(stream.steps(), [
      ['1', 'OrderPlaced', 'placed'],
      ['2', 'StockSecured', 'awaiting-payment'],
      ['3', 'OrderConfirmed', 'confirmed'],
      ['4', 'PaymentCaptured', 'confirmed'],
      [undefined, undefined, 'confirmed'],
    ])
    assert.equal(stream.heard().at(-1)?.event, 'end')
    assert.match(text, /^retry: \d+\n\n/)
    assert.doesNotMatch(text, new RegExp(hashCartToken(headers['cart-token'])))
  })

  test('what another instance writes is heard too', async () => {
    const { orderId, headers } = await place()
    const stream = await open(orderId, headers)
    await stream.has(1)
    const context = { causationId: randomUUID(), correlationId: 'other', traceparent: '' }
    const event: OrderEvent = { type: 'OrderCancelled', reason: 'customer' }
    await h.database.transaction(async (tx) =>
      appendEvents<OrderEvent>(tx, [{ streamId: orderId, version: 2, event, at: h.clock.now(), context }]),
    )
    await stream.text()
    assert.deepEqual(stream.steps().slice(1), [
      ['2', 'OrderCancelled', 'cancelled'],
      [undefined, undefined, 'cancelled'],
    ])
  })

  test('resume after Last-Event-ID: nothing is lost and nothing comes twice, wherever the connection broke', async () => {
    const { orderId, headers } = await place()
    await pay(orderId)
    for (const seen of [0, 1, 2, 3]) {
      const stream = await open(orderId, { ...headers, 'last-event-id': String(seen) })
      await stream.text()
      const rest = ['1', '2', '3', '4'].slice(seen)
      assert.deepEqual(
        stream.heard().map(({ id }) => id),
        [...rest, undefined],
      )
      const status = stream.heard()[0]?.data.status
      assert.equal(status, ['placed', 'awaiting-payment', 'confirmed', 'confirmed'][seen])
    }
    const done = await open(orderId, { ...headers, 'last-event-id': '4' })
    assert.deepEqual([done.status, await done.text()], [204, ''])
  })

  test('an order that is written while streams open loses no event to any of them', async () => {
    const owner = randomUUID()
    const authorization = `Bearer ${await h.token({ userId: owner })}`
    for (let round = 0; round < 10; round++) {
      const { orderId } = await place(owner)
      const [one, , two] = await Promise.all([
        open(orderId, { authorization }),
        pay(orderId),
        open(orderId, { authorization }),
      ])
      for (const stream of [one, two]) {
        await stream.text()
        assert.deepEqual(
          stream.heard().map(({ id }) => id),
          ['1', '2', '3', '4', undefined],
        )
      }
    }
  })

  test('a cancelled order that was confirmed is followed until the money is back', async () => {
    const { orderId, headers } = await place()
    await pay(orderId)
    await h.call({ method: 'POST', url: `/api/v1/orders/${orderId}/cancel`, headers })
    const stream = await open(orderId, headers)
    await stream.has(5)
    await h.deliver(PaymentRefunded, payment(orderId))
    await stream.text()
    assert.deepEqual(stream.steps().slice(-2), [
      ['6', 'OrderRefunded', 'refunded'],
      [undefined, undefined, 'refunded'],
    ])
  })

  test('an order of somebody else and no order at all look the same; staff may look', async () => {
    const owner = randomUUID()
    const { orderId } = await place(owner)
    const { orderId: guests, headers } = await place()
    const refused = async (id: string, given: Record<string, string>) => {
      const stream = await open(id, given)
      const { traceId: _, ...body } = JSON.parse(await stream.text())
      return [stream.status, body]
    }
    const bearer = async (options: Parameters<typeof h.token>[0]) => ({
      authorization: `Bearer ${await h.token(options)}`,
    })
    const absent = await refused(randomUUID(), headers)
    assert.equal(absent[0], 404)
    for (const [id, given] of [
      [orderId, headers],
      [orderId, await bearer({})],
      [orderId, {}],
      [guests, await bearer({ userId: owner })],
      [guests, { 'cart-token': newCartToken() }],
      ['not-an-id', {}],
    ] as const)
      assert.deepEqual(await refused(id, given), absent)
    for (const given of [await bearer({ userId: owner }), await bearer({ roles: ['staff'] })]) {
      const stream = await open(orderId, given)
      await stream.has(1)
      stream.close()
    }
  })

  test('a position that this order never had is refused', async () => {
    const { orderId, headers } = await place()
    for (const id of ['2', '-1', '1e3', 'x', '99999999999999999999', '1; DROP']) {
      const stream = await open(orderId, { ...headers, 'last-event-id': id })
      assert.deepEqual([stream.status, JSON.parse(await stream.text()).code], [400, 'order.bad-event-id'], id)
    }
  })

  test('a client has so many streams and no more, and gets one back when it closes one', async () => {
    const [one, two, three] = [await place(), await place(), await place()]
    const guest = await Promise.all([open(one.orderId, one.headers), open(one.orderId, one.headers)])
    const refused = await open(one.orderId, one.headers)
    assert.deepEqual([refused.status, JSON.parse(await refused.text()).code], [429, 'order.too-many-streams'])
    assert.equal(refused.response.headers.get('retry-after'), '5')
    const others = await Promise.all([open(two.orderId, two.headers), open(two.orderId, two.headers)])
    const full = await open(three.orderId, three.headers)
    assert.deepEqual([full.status, JSON.parse(await full.text()).code], [503, 'order.streams-full'])
    guest[0]?.close()
    const again = await until(
      async () => {
        const stream = await open(one.orderId, one.headers)
        return stream.status === 200 && stream
      },
      { what: 'a free stream' },
    )
    await again.has(1)
    for (const stream of [...guest, ...others, again]) stream.close()
  })

  test('HEAD opens no stream', async () => {
    const { orderId, headers } = await place()
    for (let turn = 0; turn < 5; turn++) {
      const answer = await h.call({ method: 'HEAD', url: `/api/v1/orders/${orderId}/events`, headers })
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/event-stream'])
    }
  })

  test('a waiting order is heard to be alive', async (t) => {
    const { orderId, headers } = await place()
    t.mock.timers.enable({ apis: ['setInterval'] })
    const stream = await open(orderId, headers)
    await stream.has(1)
    t.mock.timers.tick(15_000)
    t.mock.timers.reset()
    await h.deliver(StockRejected, { orderId, shortages: [] })
    assert.match(await stream.text(), /\n\n: still here\n\n/)
  })

  test('after ten minutes the client has to come back and show again that it may', async (t) => {
    const { orderId, headers } = await place()
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const stream = await open(orderId, headers)
    t.mock.timers.tick(600_000)
    t.mock.timers.reset()
    await stream.text()
    assert.deepEqual(stream.steps(), [['1', 'OrderPlaced', 'placed']])
  })

  test('a service that ends, ends its streams without calling the order settled', async () => {
    const other = await startServiceForTest(order, { env: cart.env })
    const orderId = randomUUID()
    const cartToken = newCartToken()
    await other.deliver(CartCheckedOut, {
      orderId,
      cartId: randomUUID(),
      customerId: null,
      guestTokenHash: hashCartToken(cartToken),
      lines: [
        { lineId: randomUUID(), sku: 'MUG', title: 'Mug', quantity: 2, unitPrice: { minor: 1_400, currency: 'USD' } },
      ],
      total,
      paymentMethod: 'sandbox:success',
      checkedOutAt: other.clock.now().toISOString(),
    })
    const response = await fetch(`${other.url}/api/v1/orders/${orderId}/events`, {
      headers: { 'cart-token': cartToken },
    })
    await other.close()
    assert.deepEqual(
      toldIn(await response.text()).map(({ id, event }) => [id, event]),
      [['1', undefined]],
    )
  })
})
