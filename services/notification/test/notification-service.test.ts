import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { OrderCancelled, OrderConfirmed, OrderRefunded } from '@micromart/contracts/order'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { until } from '@micromart/testkit/until'
import { notification } from '../src/main.ts'
import { type ContactServer, startContactServer } from './contact-server.ts'
import { cancelled, confirmed, refunded } from './order-messages.ts'

describe('the notification service with a mailbox', () => {
  let contacts: ContactServer
  let h: ServiceHarness
  before(async () => {
    contacts = await startContactServer()
    h = await startServiceForTest(notification, { env: contacts.env })
  })
  after(async () => {
    await h.close()
    await contacts.close()
  })

  const get = (url: string) => h.call({ method: 'GET', url })
  const mailsTo = async (email: string) => (await get(`/api/v1/mailbox?to=${encodeURIComponent(email)}`)).body.items
  const statusOf = async (orderId: string) =>
    (
      await h.database.query<{ status: string; reason: string | null }>(
        'SELECT status, reason FROM emails WHERE order_id = $1',
        [orderId],
      )
    )[0]
  const guest = (orderId = randomUUID()) => {
    const email = `${randomUUID()}@example.com`
    contacts.orders.set(orderId, { name: 'Ada', email })
    return { orderId, email }
  }

  test('each message becomes one mail, however often and in whichever form it comes', async () => {
    const { orderId, email } = guest()
    for (let count = 0; count < 2; count++) {
      await h.deliver(OrderConfirmed, confirmed(orderId))
      await h.deliver(OrderCancelled, cancelled(orderId))
      await h.deliver(OrderRefunded, refunded(orderId))
      await h.runTimers()
    }
    const mails = await mailsTo(email)
    assert.deepEqual(mails.map(({ template }: { template: string }) => template).sort(), [
      'order-cancelled',
      'order-confirmed',
      'order-refunded',
    ])
    const mail = mails.find(({ template }: { template: string }) => template === 'order-confirmed')
    assert.match(mail.subject, /^Your order [0-9A-Z]{5}-[0-9A-Z]{5} is confirmed$/)
    assert.match(
      mail.text,
      /Hello Ada,[\s\S]*2 × Enamel mug \(MUG\): 28\.00 USD[\s\S]*Total: 28\.00 USD[\s\S]*York, YO1 7HH/,
    )
    assert.deepEqual([mail.to, mail.orderId, mail.sentAt], [email, orderId, '2026-11-21T12:00:00.000Z'])
    const [counts] = await h.database.query('SELECT sum(duplicates)::int AS repeats FROM mailbox WHERE order_id = $1', [
      orderId,
    ])
    assert.deepEqual(counts, { repeats: 0 })
  })

  test('a coupon stands in the mail', async () => {
    const { orderId, email } = guest()
    const discount = { couponCode: 'SPRING', amount: { minor: 280, currency: 'USD' } }
    await h.deliver(OrderConfirmed, { ...confirmed(orderId), discount, total: { minor: 2_520, currency: 'USD' } })
    await h.runTimers()
    const [mail] = await mailsTo(email)
    assert.match(mail.text, /28\.00 USD\n {2}Coupon SPRING: -2\.80 USD\n {2}Total: 25\.20 USD/)
  })

  test('a batch of many orders is many mails', async () => {
    const guests = Array.from({ length: 20 }, () => guest())
    await h.deliverBatch(guests.map(({ orderId }) => ({ type: OrderConfirmed as never, data: confirmed(orderId) })))
    await h.runTimers()
    for (const { email } of guests) assert.equal((await mailsTo(email)).length, 1)
  })

  test('a customer is asked for at the user service when the checkout has no address', async () => {
    const [orderId, customerId] = [randomUUID(), randomUUID()]
    contacts.orders.set(orderId, { name: 'Grace', email: '', customerId })
    contacts.users.set(customerId, { name: 'Grace Hopper', email: 'grace@example.com' })
    await h.deliver(OrderConfirmed, confirmed(orderId, customerId))
    await h.runTimers()
    const [mail] = await mailsTo('GRACE@example.com')
    assert.match(mail.text, /^Hello Grace,/)
  })

  test('without anybody to write to it is recorded as undeliverable', async () => {
    const [nobody, odd] = [randomUUID(), randomUUID()]
    contacts.orders.set(odd, { name: 'Eve', email: 'a@b.c\r\nBcc: eve@example.com' })
    await h.deliver(OrderConfirmed, confirmed(nobody, randomUUID()))
    await h.deliver(OrderConfirmed, confirmed(odd))
    await h.runTimers()
    assert.deepEqual(await statusOf(nobody), { status: 'undeliverable', reason: 'no-contact' })
    assert.deepEqual(await statusOf(odd), { status: 'undeliverable', reason: 'bad-address' })
  })

  test('nothing personal is kept but in the mailbox', async () => {
    const { orderId, email } = guest()
    await h.deliver(OrderConfirmed, confirmed(orderId))
    const kept = async () =>
      JSON.stringify(
        await Promise.all(
          ['emails', 'timers', 'inbox', 'outbox', 'dead_letters'].map((table) =>
            h.database.query(`SELECT * FROM ${table}`),
          ),
        ),
      )
    const queued = await kept()
    await h.runTimers()
    for (const personal of [email, 'Ada', 'High Street'])
      assert.ok(!queued.includes(personal) && !(await kept()).includes(personal), personal)
    assert.equal((await mailsTo(email)).length, 1)
  })

  test('the list is newest first, in pages', async () => {
    const orderIds = [randomUUID(), randomUUID(), randomUUID()]
    const email = `${randomUUID()}@example.com`
    for (const orderId of orderIds) {
      contacts.orders.set(orderId, { name: 'Ada', email })
      h.clock.advance(1_000)
      await h.deliver(OrderConfirmed, confirmed(orderId))
      await h.runTimers()
    }
    const first = (await get(`/api/v1/mailbox?limit=2&to=${email}`)).body
    const second = (await get(`/api/v1/mailbox?limit=2&to=${email}&after=${first.nextCursor}`)).body
    const seen = [...first.items, ...second.items].map((mail: { orderId: string }) => mail.orderId)
    assert.deepEqual(seen, orderIds.toReversed())
    assert.equal(second.nextCursor, null)
  })

  test('the page shows mails without scripts, escaped, in a sandboxed frame', async () => {
    const orderId = randomUUID()
    contacts.orders.set(orderId, { name: '<img src=x onerror=alert(1)>', email: 'mallory@example.com' })
    await h.deliver(OrderConfirmed, confirmed(orderId))
    await h.runTimers()
    const page = await get(`/mailbox?mail=order-confirmed:${orderId}&to=`)
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    assert.match(
      page.text,
      /<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail" srcdoc="&lt;!doctype html&gt;/,
    )
    assert.match(page.text, /Hello &amp;lt;img src=x onerror=alert\(1\)&amp;gt;,/)
    assert.doesNotMatch(page.text, /<script|<img|https?:\/\//)
    assert.match((await get('/mailbox?to="><script>')).text, /value="&quot;&gt;&lt;script&gt;"/)
    assert.match((await get('/mailbox?mail=unknown')).text, /There is no such mail/)
  })

  test('bad input is refused with a stable code', async () => {
    const cursor = (...key: string[]) => Buffer.from(JSON.stringify(key)).toString('base64url')
    const cases: readonly [string, string][] = [
      ['?limit=0', 'request.invalid'],
      ['?limit=101', 'request.invalid'],
      ['?limit=x', 'request.invalid'],
      ['?to=%00', 'request.invalid'],
      [`?to=${'x'.repeat(321)}`, 'request.invalid'],
      ['?from=x', 'request.invalid'],
      ['?to=a&to=b', 'request.invalid'],
      ['?after=x', 'request.bad-cursor'],
      [`?after=${cursor('2026-11-21T12:00:00.000Z')}`, 'request.bad-cursor'],
      [`?after=${cursor('yesterday', 'x')}`, 'request.bad-cursor'],
      [`?after=${cursor('2026-99-21T12:00:00.000Z', 'x')}`, 'request.bad-cursor'],
      [`?after=${cursor('2026-11-21T12:00:00.000Z', '\0')}`, 'request.bad-cursor'],
    ]
    for (const [query, code] of cases) {
      const answer = await get(`/api/v1/mailbox${query}`)
      assert.deepEqual([answer.status, answer.body.code], [400, code], query)
    }
    assert.equal((await get('/mailbox?mail=%00')).status, 400)
  })
})

test('while cart is away the mail waits, and it goes out when cart is back', async () => {
  const contacts = await startContactServer()
  const h = await startServiceForTest(notification, { env: { ...contacts.env, NOTIFICATION_MAILBOX: 'false' } })
  const orderId = randomUUID()
  contacts.orders.set(orderId, { name: 'Ada', email: 'ada@example.com' })
  await contacts.close()
  await h.deliver(OrderConfirmed, confirmed(orderId))
  const failed = () => h.database.query('SELECT 1 FROM timers WHERE last_error IS NOT NULL')
  await until(async () => (await failed()).length === 1, { what: 'the first try has failed' })
  const port = new URL(contacts.env.CART_GRPC_URL).port
  const back = await startContactServer(Number(port))
  back.orders.set(orderId, { name: 'Ada', email: 'ada@example.com' })
  h.clock.advance(120_000)
  await h.runTimers()
  const [mail] = await h.database.query<{ recipient: string }>('SELECT recipient FROM mailbox')
  assert.equal(mail?.recipient, 'ada@example.com')
  for (const url of ['/mailbox', '/api/v1/mailbox'])
    assert.equal((await h.call({ method: 'GET', url })).body.code, 'route.unknown')
  await h.close()
  await back.close()
})
