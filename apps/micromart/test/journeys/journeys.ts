import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openAccount } from '@micromart/proof/newcomer'
import type { GuestCart } from '@micromart/proof/shopper'
import { openBooks } from '@micromart/proof/verify/books'
import { verify } from '@micromart/proof/verify/verify'
import type { ServiceName } from '@micromart/service-kit/service'
import { until } from '@micromart/testkit/until'
import { Client } from 'pg'
import { type DatabaseName, databaseNames } from '../../src/start/databases.ts'
import type { Shape } from '../shapes.ts'
import { couponJourneys } from './coupon-journeys.ts'
import { privacyJourney } from './privacy-journey.ts'
import { buy, cancel, someone } from './purchase.ts'
import { openShop, type ShopUnderTest } from './shop-under-test.ts'

/** Time enough to approve a payment, and not too long to see one expire. */
const environment = {
  ...{ USER_ERASURE_AFTER_S: '0', LOG_LEVEL: 'info' },
  ORDER_PAYMENT_TIMEOUT_MS: '6000',
  SANDBOX_LATE_MS: '500',
  SANDBOX_SLOW_MS: '500',
}

/** What a shopper can live through, end to end; every shape of the shop passes the same. */
export function journeys(shape: Shape, skip: string | false = false): void {
  describe(`journeys through a shop: ${shape.name}`, { skip }, () => {
    let opened: ShopUnderTest
    before(async () => {
      opened = await openShop(shape, environment)
    })
    after(() => opened?.close())
    const shop = () => opened

    describe('a purchase', { concurrency: true }, () => purchases(shop))
    describe('a coupon', { concurrency: true }, () => couponJourneys(shop))
    describe('a person', () => privacyJourney(shop))
    describe('a payment that takes its time', { concurrency: true }, () => payments(shop))
    describe('many at once', { concurrency: true }, () => crowds(shop))
    describe('what is down', () => outages(shop))
    describe('afterwards', () => books(shop))
  })
}

function purchases(shop: () => ShopUnderTest) {
  test('bought: a confirmed order, its mail, its sale, its pieces gone', async () => {
    const sku = await shop().stocked(5)
    const email = someone()
    const { cart, orderId, answer } = await buy(shop(), { lines: [[sku, 2]], email })
    assert.equal(answer.headers['location'], `/api/v1/orders/${orderId}`)
    const order = await shop().reaches(orderId, cart)
    assert.equal(order.status, 'confirmed')
    assert.deepEqual(order.total, { minor: 2500, currency: 'USD' })
    const [mail] = await shop().mails(email, 'order-confirmed')
    assert.match(mail?.subject ?? '', new RegExp(order.number))
    const payment = await shop().paymentReaches(orderId, 'captured')
    assert.deepEqual(kindsOf(payment.ledger), ['capture', 'capture'])
    await shop().stockBecomes(sku, { onHand: 3, reserved: 0 })
    await until(
      async () => (await shop().staff({ method: 'GET', path: '/api/v1/analytics/sales' })).body.totals[0]?.orders >= 1,
      { what: 'its sale' },
    )
    const { body: timeline } = await shop().call({
      method: 'GET',
      path: `/api/v1/orders/${orderId}/timeline`,
      headers: { 'cart-token': cart.token },
    })
    assert.ok(timeline.events.length >= 3)
  })

  test('bought by somebody signed in: the order is on the list of who bought it, and of nobody else', async () => {
    const sku = await shop().stocked(1)
    const register = async () => {
      const person = { email: someone(), password: 'a long enough password', name: 'Ada' }
      return (await openAccount(shop().call, person)).accessToken
    }
    const [buyer, stranger] = [await register(), await register()]
    const as = (token: string) => ({ authorization: `Bearer ${token}` })
    const post = (path: string, body: unknown, headers = {}) =>
      shop().call({ method: 'POST', path, body, headers: { ...as(buyer), ...headers } })
    const { body: cart } = await post('/api/v1/carts', {})
    await post(`/api/v1/carts/${cart.id}/items`, { sku, quantity: 1 })
    const shippingAddress = { name: 'A', line1: '1 High Street', city: 'York', postalCode: 'YO1', country: 'GB' }
    const { body } = await post(
      `/api/v1/carts/${cart.id}/checkout`,
      { shippingAddress, payment: { method: 'sandbox:success' } },
      { 'idempotency-key': randomUUID() },
    )
    const open = (token: string) =>
      shop().call({ method: 'GET', path: `/api/v1/orders/${body.orderId}`, headers: as(token) })
    await shop().paymentReaches(body.orderId, 'captured')
    assert.equal((await open(buyer)).body.status, 'confirmed')
    assert.equal((await open(stranger)).status, 404)
    const list = async (token: string) =>
      (await shop().call({ method: 'GET', path: '/api/v1/orders', headers: as(token) })).body.items
    assert.deepEqual(
      (await list(buyer)).map(({ id }: { id: string }) => id),
      [body.orderId],
    )
    assert.deepEqual(await list(stranger), [])
  })

  test('out of stock: cancelled with its reason, nothing taken, and the buyer is told', async () => {
    const sku = await shop().stocked(1)
    const email = someone()
    const { cart, orderId } = await buy(shop(), { lines: [[sku, 2]], email })
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'out-of-stock'])
    assert.equal((await shop().stockOf(sku)).available, 1)
    await shop().mails(email, 'order-cancelled')
  })

  test('two lines of one SKU whose sum is too much: refused', async () => {
    const sku = await shop().stocked(5)
    const { cart, orderId } = await buy(shop(), {
      lines: [
        [sku, 3],
        [sku, 3],
      ],
    })
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'out-of-stock'])
    assert.deepEqual(await shop().stockOf(sku), { sku, onHand: 5, reserved: 0, available: 5 })
  })

  test('declined: cancelled, the stock is back', async () => {
    const sku = await shop().stocked(2)
    const { cart, orderId } = await buy(shop(), { lines: [[sku, 1]], method: 'sandbox:decline' })
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'payment-declined'])
    await shop().stockBecomes(sku, { onHand: 2, reserved: 0 })
  })

  test('cancelled after the payment: refunded, the stock is back, and the buyer is told', async () => {
    const sku = await shop().stocked(1)
    const email = someone()
    const { cart, orderId } = await buy(shop(), { lines: [[sku, 1]], email })
    await shop().reaches(orderId, cart, 'confirmed')
    await shop().paymentReaches(orderId, 'captured')
    assert.equal((await cancel(shop(), orderId, cart.token)).status, 202)
    const order = await shop().reaches(orderId, cart, 'refunded')
    assert.deepEqual(order.refunded, { minor: 1250, currency: 'USD' })
    await shop().paymentReaches(orderId, 'refunded')
    await shop().stockBecomes(sku, { onHand: 1, reserved: 0 })
    await shop().mails(email, 'order-confirmed', 'order-cancelled', 'order-refunded')
  })

  test('one Idempotency-Key twice is one order; with another body it is refused', async () => {
    const sku = await shop().stocked(4)
    const cart = await shop().cartWith([sku, 1])
    const key = randomUUID()
    const [first, second] = await Promise.all([shop().checkout(cart, { key }), shop().checkout(cart, { key })])
    const third = await shop().checkout(cart, { key })
    assert.equal(third.status, 202)
    for (const { status, text, body } of [first, second])
      assert.ok(status === 202 ? text === third.text : body.code === 'idempotency.in-flight', text)
    const other = await shop().checkout(cart, { key, email: someone() })
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key-reused'])
    const again = await shop().checkout(cart)
    assert.deepEqual([again.status, again.body.code], [409, 'cart.checked-out'])
    await shop().reaches(third.body.orderId, cart, 'confirmed')
    assert.equal((await shop().stockOf(sku)).available, 3)
  })
}

function payments(shop: () => ShopUnderTest) {
  const awaiting = async (options: { quantity: number; method: string; email?: string }) => {
    const sku = await shop().stocked(options.quantity)
    const { cart, orderId } = await buy(shop(), { ...options, lines: [[sku, options.quantity]] })
    return { sku, cart, orderId }
  }

  test('the customer approves: confirmed', async () => {
    const { cart, orderId } = await awaiting({ quantity: 1, method: 'sandbox:action' })
    const approved = await approve(shop(), await actionOf(shop(), orderId, cart))
    assert.equal(approved.status, 200, approved.text)
    await shop().reaches(orderId, cart, 'confirmed')
  })

  test('the customer never answers: cancelled, the stock is back, no money moves', async () => {
    const { sku, cart, orderId } = await awaiting({ quantity: 1, method: 'sandbox:action' })
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'payment-timeout'])
    await shop().stockBecomes(sku, { onHand: 1, reserved: 0 })
    const payment = await shop().paymentReaches(orderId, 'declined')
    assert.deepEqual(payment.ledger, [])
  })

  test('cancelled before the payment: the money is never taken', async () => {
    const email = someone()
    const { sku, cart, orderId } = await awaiting({ quantity: 1, method: 'sandbox:action', email })
    const action = await actionOf(shop(), orderId, cart)
    assert.equal((await cancel(shop(), orderId, cart.token)).status, 202)
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'customer'])
    await shop().stockBecomes(sku, { onHand: 1, reserved: 0 })
    await shop().mails(email, 'order-cancelled')
    const late = await approve(shop(), action)
    assert.ok([200, 409].includes(late.status), late.text) // approved too late is voided; already voided is refused
    const ends = late.status === 200 ? 'voided' : 'declined'
    const { ledger } = await shop().paymentReaches(orderId, ends)
    assert.deepEqual(ledger, [])
  })

  test('the success comes after the time-out: voided', async () => {
    const { sku, cart, orderId } = await awaiting({ quantity: 1, method: 'sandbox:late' })
    const order = await shop().reaches(orderId, cart)
    assert.deepEqual([order.status, order.reason], ['cancelled', 'payment-timeout'])
    const { ledger } = await shop().paymentReaches(orderId, 'voided')
    assert.deepEqual(ledger, [])
    await shop().stockBecomes(sku, { onHand: 1, reserved: 0 })
  })

  test('a slow success, and one told four times: confirmed once', async () => {
    const slow = await awaiting({ quantity: 1, method: 'sandbox:slow' })
    const repeated = await awaiting({ quantity: 1, method: 'sandbox:duplicate-webhook' })
    for (const { cart, orderId } of [slow, repeated]) {
      await shop().reaches(orderId, cart, 'confirmed')
      const { ledger } = await shop().paymentReaches(orderId, 'captured')
      assert.deepEqual(kindsOf(ledger), ['capture', 'capture']) // a debit and a credit, once
    }
  })
}

/** The path where the customer says yes or no, once the provider has asked for it. */
const actionOf = (shop: ShopUnderTest, orderId: string, cart: GuestCart) =>
  until(
    async () => {
      const { payment } = await shop.reaches(orderId, cart, 'awaiting-payment')
      return payment && new URL(payment.actionUrl).pathname
    },
    { withinMs: 30_000, what: `something to approve for ${orderId}` },
  ) as Promise<string>

const approve = (shop: ShopUnderTest, path: string) => shop.call({ method: 'POST', path, body: { outcome: 'approve' } })

const kindsOf = (ledger: readonly { kind: string }[]) => ledger.map(({ kind }) => kind)

function crowds(shop: () => ShopUnderTest) {
  test('50 buyers for the last 10 pieces: exactly 10 orders are confirmed', async () => {
    const sku = await shop().stocked(10)
    const carts = await Promise.all(Array.from({ length: 50 }, () => shop().cartWith([sku, 1])))
    const answers = await Promise.all(carts.map((cart) => shop().checkout(cart)))
    assert.ok(answers.every(({ status }) => status === 202))
    const orders = await Promise.all(carts.map((cart, index) => shop().reaches(answers[index]?.body.orderId, cart)))
    const count = (status: string) => orders.filter((order) => order.status === status).length
    assert.deepEqual([count('confirmed'), count('cancelled')], [10, 40])
    await shop().stockBecomes(sku, { onHand: 0, reserved: 0 })
  })
}

function outages(shop: () => ShopUnderTest) {
  const away: readonly ServiceName[] = ['order', 'inventory', 'payment', 'product', 'notification']

  test(`a checkout is accepted while ${away.join(', ')} are stopped, and completed when they return`, async () => {
    const sku = await shop().stocked(3)
    const cart = await shop().cartWith([sku, 2])
    const email = someone()
    await Promise.all(away.map((name) => shop().shop.stopService(name)))
    const answer = await shop().checkout(cart, { email })
    assert.equal(answer.status, 202, answer.text)
    const meanwhile = await shop().order(answer.body.orderId, cart.token)
    assert.deepEqual([meanwhile.status, meanwhile.body.code], [503, 'service.unavailable'])
    assert.match(String(meanwhile.headers['retry-after']), /^\d+$/)
    const { status, body } = await shop().call({ method: 'GET', path: '/api/v1/products' })
    assert.deepEqual([status, body.code], [503, 'service.unavailable'])
    await Promise.all(away.map((name) => shop().shop.startService(name)))
    await shop().reaches(answer.body.orderId, cart, 'confirmed')
    await shop().mails(email, 'order-confirmed')
    assert.equal((await shop().stockOf(sku)).available, 1)
  })
}

function books(shop: () => ShopUnderTest) {
  test('no service can open the database of another: the server refuses it', async () => {
    const { databases } = shop().shop
    const outcomes: string[] = []
    for (const role of databaseNames)
      for (const other of databaseNames.filter((name) => name !== role))
        outcomes.push(await tryToOpen(databases[role], other))
    assert.deepEqual([...new Set(outcomes)], ['42501 insufficient_privilege'])
    assert.equal(outcomes.length, databaseNames.length * (databaseNames.length - 1))
  })

  test('the books agree: I1 to I6 hold', async () => {
    const opened = openBooks(shop().shop.databases)
    try {
      const findings = await verify(opened, { settleMs: 30_000 })
      assert.deepEqual(
        findings.flatMap(({ invariant, violations }) => violations.map((sentence) => `${invariant} ${sentence}`)),
        [],
      )
    } finally {
      await opened.close()
    }
  })
}

/** Signs in as one service and asks for the database of another; what the server said. */
async function tryToOpen(url: string, other: DatabaseName): Promise<string> {
  const foreign = new URL(url)
  foreign.pathname = foreign.pathname.replace(/_[a-z]+$/, `_${other}`)
  const client = new Client({ connectionString: foreign.href })
  try {
    await client.connect()
    return `${foreign.username} could open ${foreign.pathname}`
  } catch (error) {
    const { code } = error as { code?: string }
    return code === '42501' ? '42501 insufficient_privilege' : String(error)
  } finally {
    await client.end().catch(() => {})
  }
}
