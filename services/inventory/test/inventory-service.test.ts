import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { OrderCancelled, OrderConfirmed, OrderPlaced } from '@micromart/contracts/order'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { inventory } from '../src/main.ts'

const MINUTE_MS = 60_000

describe('the inventory service', () => {
  let h: ServiceHarness
  let staff: string
  before(async () => {
    h = await startServiceForTest(inventory)
    staff = await h.token({ roles: ['staff'] })
  })
  after(() => h.close())

  const stocked = async (quantity: number) => {
    const sku = `SKU-${randomUUID()}`
    const answer = await adjust(sku, { quantity, reason: 'delivery' })
    assert.equal(answer.status, 201)
    return sku
  }
  const adjust = (sku: string, body: unknown) =>
    h.call({ method: 'POST', url: `/api/v1/inventory/${sku}/adjustments`, body, token: staff })
  const level = async (sku: string) => (await h.call({ method: 'GET', url: `/api/v1/inventory/${sku}` })).body
  const place = (orderId: string, lines: { sku: string; quantity: number }[]) =>
    h.deliver(OrderPlaced, { orderId, lines })
  const at = '2026-11-21T12:00:00.000Z'
  const confirmed = (orderId: string, sku: string) =>
    h.deliver(OrderConfirmed, {
      orderId,
      number: 'N',
      cartId: randomUUID(),
      customerId: null,
      paymentId: randomUUID(),
      lines: [{ lineId: randomUUID(), sku, title: 'T', quantity: 2, unitPrice: { minor: 1, currency: 'USD' } }],
      total: { minor: 2, currency: 'USD' },
      confirmedAt: at,
    })
  const cancelled = (orderId: string) =>
    h.deliver(OrderCancelled, {
      orderId,
      number: 'N',
      cartId: randomUUID(),
      customerId: null,
      reason: 'customer',
      wasConfirmed: false,
      cancelledAt: at,
    })
  const answersFor = async (orderId: string) =>
    (await h.outbox()).filter(({ data }) => data['orderId'] === orderId).map(({ type }) => type.split('.')[2])

  test('holds, commits and gives back, each once though each message comes twice', async () => {
    const sku = await stocked(5)
    const orderId = randomUUID()
    await place(orderId, [{ sku, quantity: 2 }])
    assert.deepEqual(await level(sku), { sku, onHand: 5, reserved: 2, available: 3 })
    assert.deepEqual(await answersFor(orderId), ['reserved'])
    await confirmed(orderId, sku)
    assert.deepEqual(await level(sku), { sku, onHand: 3, reserved: 0, available: 3 })
    await cancelled(orderId)
    assert.deepEqual(await level(sku), { sku, onHand: 5, reserved: 0, available: 5 })
    const page = await h.call({ method: 'GET', url: `/api/v1/inventory/${sku}/movements`, token: staff })
    assert.deepEqual(
      page.body.items.map((item: { kind: string; quantity: number }) => [item.kind, item.quantity]),
      [
        ['return', 2],
        ['sale', -2],
        ['adjustment', 5],
      ],
    )
  })

  test('two lines of one SKU whose sum is too much are rejected, and nothing is held', async () => {
    const sku = await stocked(5)
    const orderId = randomUUID()
    await place(orderId, [
      { sku, quantity: 3 },
      { sku, quantity: 3 },
    ])
    assert.deepEqual(await answersFor(orderId), ['rejected'])
    assert.equal((await level(sku)).reserved, 0)
  })

  test('a cancel that comes first leaves a tombstone', async () => {
    const sku = await stocked(5)
    const orderId = randomUUID()
    await cancelled(orderId)
    await place(orderId, [{ sku, quantity: 1 }])
    assert.deepEqual(await answersFor(orderId), [])
    assert.equal((await level(sku)).available, 5)
  })

  test('a hold runs out; a confirmation after that takes the pieces anew or is refused', async () => {
    const sku = await stocked(2)
    const [first, second] = [randomUUID(), randomUUID()]
    await place(first, [{ sku, quantity: 2 }])
    h.clock.advance(21 * MINUTE_MS)
    await h.runTimers()
    assert.equal((await level(sku)).available, 2)
    await place(second, [{ sku, quantity: 2 }])
    await confirmed(second, sku)
    await confirmed(first, sku)
    assert.deepEqual(await answersFor(first), ['reserved', 'commit-refused'])
    assert.deepEqual(await level(sku), { sku, onHand: 0, reserved: 0, available: 0 })
  })

  test('fifty orders in one batch for the last ten units: ten are held', async () => {
    const sku = await stocked(10)
    const orders = Array.from({ length: 50 }, () => randomUUID())
    await h.deliverBatch(
      orders.map((orderId) => ({ type: OrderPlaced as never, data: { orderId, lines: [{ sku, quantity: 1 }] } })),
    )
    assert.deepEqual(await level(sku), { sku, onHand: 10, reserved: 10, available: 0 })
  })

  test('bad input is refused with a stable code and changes nothing', async () => {
    const sku = await stocked(5)
    const cases: [unknown, number, string][] = [
      [{ quantity: 0, reason: 'x' }, 400, 'request.invalid'],
      [{ quantity: 1.5, reason: 'x' }, 400, 'request.invalid'],
      [{ quantity: '1', reason: 'x' }, 400, 'request.invalid'],
      [{ quantity: 1e21, reason: 'x' }, 400, 'request.invalid'],
      [{ quantity: 1 }, 400, 'request.invalid'],
      [{ quantity: 1, reason: 'x', more: true }, 400, 'request.invalid'],
      ['{"quantity":', 400, 'request.malformed'],
      [{ quantity: -6, reason: 'x' }, 409, 'inventory.below-reserved'],
    ]
    for (const [body, status, code] of cases) {
      const answer = await adjust(sku, body)
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(body))
    }
    assert.equal((await level(sku)).onHand, 5)
    const customer = await h.token()
    for (const [token, status] of [
      [customer, 403],
      [undefined, 401],
      ['not.a.token', 401],
    ] as const) {
      const answer = await h.call({
        method: 'POST',
        url: `/api/v1/inventory/${sku}/adjustments`,
        body: { quantity: 1, reason: 'x' },
        ...(token ? { token } : {}),
      })
      assert.equal(answer.status, status)
    }
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/inventory/NO-SUCH' })).body.code, 'inventory.unknown-sku')
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/inventory/%00' })).status, 404)
  })

  test('opening stock counts once, and again only when told so', async () => {
    const sku = `SKU-${randomUUID()}`
    const open = (quantity: number, overwrite = false) =>
      h.call({
        method: 'POST',
        url: '/api/v1/inventory/opening-stock',
        body: { items: [{ sku, quantity }], overwrite },
        token: staff,
      })
    assert.equal((await open(7)).body.set, 1)
    assert.equal((await open(9)).body.unchanged, 1)
    assert.equal((await level(sku)).onHand, 7)
    await open(9, true)
    assert.equal((await level(sku)).onHand, 9)
  })

  test('what staff do is in the audit log, once, and what is refused is not', async () => {
    const userId = randomUUID()
    const token = await h.token({ userId, roles: ['staff'] })
    const sku = `SKU-${randomUUID()}`
    const url = `/api/v1/inventory/${sku}/adjustments`
    const headers = { 'idempotency-key': randomUUID() }
    const items = [{ sku, quantity: 4 }]
    await h.call({ method: 'POST', url: '/api/v1/inventory/opening-stock', body: { items }, token })
    for (const quantity of [2, 2, -99])
      await h.call({ method: 'POST', url, body: { quantity, reason: 'for Ada' }, token, headers })
    const rows = await h.database.query('SELECT action, subject, details FROM audit_log WHERE actor = $1', [userId])
    assert.deepEqual(rows, [
      {
        action: 'inventory.opening-stock-set',
        subject: sku,
        details: { items, overwrite: false, refused: [], set: 1, unchanged: 0 },
      },
      { action: 'inventory.adjusted', subject: sku, details: { onHand: 6, quantity: 2 } },
    ])
  })

  test('the same idempotency key adjusts once', async () => {
    const sku = await stocked(5)
    const call = () =>
      h.call({
        method: 'POST',
        url: `/api/v1/inventory/${sku}/adjustments`,
        body: { quantity: 3, reason: 'delivery' },
        token: staff,
        headers: { 'idempotency-key': 'delivery-1' },
      })
    const [first, second] = [await call(), await call()]
    assert.equal(first.text, second.text)
    assert.equal((await level(sku)).onHand, 8)
  })
})
