import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { OrderCancelled, OrderConfirmed, OrderPaymentDue } from '@micromart/contracts/order'
import { type Database, openDatabase } from '@micromart/postgres/database'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'
import { signWebhook } from '../src/adapters/sandbox/webhook-signature.ts'
import { payment } from '../src/main.ts'

const SECRET = 'webhook-secret-of-the-test'
const SLOW_MS = 2_000
const MINUTE_MS = 60_000
const amount = { minor: 2_800, currency: 'USD' }
const WEBHOOK = '/api/v1/payments/webhooks/sandbox'

describe('the payment service', () => {
  let h: ServiceHarness
  let sandbox: Database
  let staff: string
  let drop: () => Promise<void>
  before(async () => {
    const sandboxDatabase = await createTestDatabase()
    drop = sandboxDatabase.drop
    sandbox = openDatabase({ url: sandboxDatabase.url, poolSize: 2 })
    h = await startServiceForTest(payment, {
      env: { SANDBOX_DATABASE_URL: sandboxDatabase.url, SANDBOX_WEBHOOK_SECRET: SECRET },
    })
    staff = await h.token({ roles: ['staff'] })
  })
  after(async () => {
    await h.close()
    await sandbox.close()
    await drop()
  })

  const dueData = (orderId: string, method: string) => ({
    orderId,
    amount,
    method,
    dueAt: new Date(h.clock.now().getTime() + 15 * MINUTE_MS).toISOString(),
  })
  const costsNothing = async () => {
    const orderId = randomUUID()
    await h.deliver(OrderPaymentDue, { ...dueData(orderId, 'sandbox:decline'), amount: { minor: 0, currency: 'USD' } })
    return orderId
  }
  const due = async (method: string, orderId = randomUUID()) => {
    await h.deliver(OrderPaymentDue, dueData(orderId, method))
    return orderId
  }
  const confirmedData = (orderId: string) => ({
    orderId,
    number: 'N',
    cartId: randomUUID(),
    customerId: null,
    paymentId: randomUUID(),
    lines: [
      { lineId: randomUUID(), sku: 'MUG', title: 'Mug', quantity: 2, unitPrice: { minor: 1_400, currency: 'USD' } },
    ],
    total: amount,
    confirmedAt: h.clock.now().toISOString(),
  })
  const confirm = (orderId: string) => h.deliver(OrderConfirmed, confirmedData(orderId))
  const cancel = (orderId: string) =>
    h.deliver(OrderCancelled, {
      orderId,
      number: 'N',
      cartId: randomUUID(),
      customerId: null,
      reason: 'customer',
      wasConfirmed: false,
      cancelledAt: h.clock.now().toISOString(),
    })

  const sent = async (orderId: string) => (await h.outbox()).filter(({ data }) => data['orderId'] === orderId)
  const told = async (orderId: string) => (await sent(orderId)).map(({ type }) => type.split('.')[2])
  /** Waits until the newest message about the order is this one, and returns all of them. */
  const toldUntil = (orderId: string, last: string) =>
    until(
      async () => {
        const facts = await told(orderId)
        return facts.at(-1) === last ? facts : undefined
      },
      { what: `${last} is told` },
    )
  const view = async (orderId: string) =>
    (await h.call({ method: 'GET', url: `/api/v1/payments/${orderId}`, token: staff })).body
  const atProvider = async (orderId: string) => {
    const rows = await sandbox.query<{ kind: string; minor: string }>(
      `SELECT kind, minor FROM sandbox_ledger JOIN sandbox_payments USING (reference)
       WHERE order_id = $1 ORDER BY sandbox_ledger.id`,
      [orderId],
    )
    return rows.map(({ kind, minor }) => `${kind} ${minor}`)
  }
  const ledgerSum = async () => {
    const [row] = await h.database.query<{ sum: string }>(
      'SELECT coalesce(sum(debit_minor - credit_minor), 0) AS sum FROM ledger_entries',
    )
    return Number(row?.sum)
  }

  test('an order that costs nothing goes its way, and the provider never hears of it', async () => {
    const [kept, back, early] = [await costsNothing(), await costsNothing(), await costsNothing()]
    for (const orderId of [kept, back]) await confirm(orderId)
    for (const orderId of [back, early]) await cancel(orderId)
    await h.runTimers()
    assert.deepEqual(await told(kept), ['authorized', 'captured'])
    assert.deepEqual(await told(back), ['authorized', 'captured', 'refunded'])
    assert.deepEqual(await told(early), ['authorized', 'voided'])
    for (const orderId of [kept, back, early]) {
      assert.deepEqual((await view(orderId)).ledger, [])
      const asked = await sandbox.query('SELECT 1 FROM sandbox_payments WHERE order_id = $1', [orderId])
      assert.deepEqual(asked, [])
    }
  })

  test('authorises, captures and refunds, each once though each message comes twice', async () => {
    const orderId = await due('sandbox:success')
    await h.runTimers()
    assert.deepEqual(await told(orderId), ['authorized'])
    await confirm(orderId)
    await h.runTimers()
    assert.deepEqual(await told(orderId), ['authorized', 'captured'])
    const { status, ledger } = await view(orderId)
    assert.equal(status, 'captured')
    assert.deepEqual(
      ledger.map((entry: Record<string, { minor: number }>) => [
        entry['account'],
        entry['debit']?.minor,
        entry['credit']?.minor,
      ]),
      [
        ['provider-clearing', 2_800, 0],
        ['revenue', 0, 2_800],
      ],
    )
    await cancel(orderId)
    await h.runTimers()
    assert.deepEqual(await told(orderId), ['authorized', 'captured', 'refunded'])
    assert.deepEqual(await atProvider(orderId), ['authorize 2800', 'capture 2800', 'refund 2800'])
    assert.equal((await view(orderId)).ledger.length, 4)
    assert.equal(await ledgerSum(), 0)
  })

  test('a refusal, and a method that nobody knows, are told as declined', async () => {
    for (const [method, reason] of [
      ['sandbox:decline', 'declined-by-bank'],
      ['cash', 'unsupported-method'],
    ] as const) {
      const orderId = await due(method)
      await h.runTimers()
      const [message, ...more] = await sent(orderId)
      assert.equal(message?.type, 'micromart.payment.declined.v1')
      assert.equal(message?.data['reason'], reason)
      assert.equal(more.length, 0)
      assert.deepEqual(await atProvider(orderId), [])
    }
  })

  test('a cancel voids what is authorised, and one that comes first leaves a tombstone', async () => {
    const voided = await due('sandbox:success')
    await h.runTimers()
    await cancel(voided)
    await h.runTimers()
    assert.deepEqual(await told(voided), ['authorized', 'voided'])
    assert.deepEqual(await atProvider(voided), ['authorize 2800', 'void 2800'])
    const orderId = randomUUID()
    await cancel(orderId)
    await due('sandbox:success', orderId)
    await h.runTimers()
    assert.deepEqual(await told(orderId), [])
    assert.deepEqual(await atProvider(orderId), [])
    assert.equal((await view(orderId)).status, 'cancelled')
  })

  const actionOf = async (orderId: string) => {
    const [message] = await sent(orderId)
    assert.equal(message?.type, 'micromart.payment.action-required.v1')
    const url = new URL(String(message?.data['actionUrl']))
    assert.equal(url.origin, 'http://127.0.0.1:3000')
    return url.pathname
  }

  test('the customer approves at the confirmation page, and the webhook completes the payment', async () => {
    const orderId = await due('sandbox:action')
    await h.runTimers()
    const url = await actionOf(orderId)
    const page = await h.call({ method: 'GET', url })
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type') ?? '', /text\/html/)
    assert.match(page.text, /28\.00 USD/)
    const answer = await h.call({ method: 'POST', url, body: { outcome: 'approve' } })
    assert.deepEqual([answer.status, answer.body], [200, { status: 'authorized' }])
    assert.deepEqual(await toldUntil(orderId, 'authorized'), ['action-required', 'authorized'])
    const again = await h.call({ method: 'POST', url, body: { outcome: 'approve' } })
    assert.equal(again.status, 200)
    const otherwise = await h.call({ method: 'POST', url, body: { outcome: 'decline' } })
    assert.deepEqual([otherwise.status, otherwise.body.code], [409, 'payment.action-taken'])
    assert.deepEqual(await atProvider(orderId), ['authorize 2800'])
  })

  test('the form of the page declines without a script', async () => {
    const orderId = await due('sandbox:action')
    await h.runTimers()
    const url = await actionOf(orderId)
    const response = await fetch(`${h.url}${url}`, {
      method: 'POST',
      headers: { accept: 'text/html' },
      body: new URLSearchParams({ outcome: 'decline' }),
    })
    assert.match(await response.text(), /declined/)
    assert.deepEqual(await toldUntil(orderId, 'declined'), ['action-required', 'declined'])
  })

  test('an action that nobody takes expires after its time, and the reconciliation stops', async () => {
    const orderId = await due('sandbox:action')
    await h.runTimers()
    await cancel(orderId)
    h.clock.advance(16 * MINUTE_MS)
    await until(async () => (await view(orderId)).status === 'declined', { what: 'the action expires' })
    await h.runTimers()
    const timers = await h.database.query('SELECT id FROM timers WHERE subject = $1', [orderId])
    assert.equal(timers.length, 0)
    assert.deepEqual(await told(orderId), ['action-required'])
  })

  test('a slow provider authorises later by webhook', async () => {
    const orderId = await due('sandbox:slow')
    await h.runTimers()
    assert.equal((await view(orderId)).status, 'pending')
    h.clock.advance(SLOW_MS)
    assert.deepEqual(await toldUntil(orderId, 'authorized'), ['authorized'])
  })

  test('a provider that never decides is asked for ever, and nothing is held when the order was given up', async () => {
    const orderId = await due('sandbox:silent')
    await h.runTimers()
    await cancel(orderId)
    h.clock.advance(16 * MINUTE_MS)
    await h.runTimers()
    assert.equal((await view(orderId)).status, 'pending')
    assert.deepEqual([await told(orderId), await atProvider(orderId)], [[], []])
    const timers = await h.database.query('SELECT kind FROM timers WHERE subject = $1', [orderId])
    assert.deepEqual(timers, [{ kind: 'reconcile' }])
  })

  test('a success that comes after the order was given up is voided at once', async () => {
    const orderId = await due('sandbox:late')
    await h.runTimers()
    await cancel(orderId)
    h.clock.advance(16 * MINUTE_MS)
    assert.deepEqual(await toldUntil(orderId, 'voided'), ['voided'])
    assert.deepEqual(await atProvider(orderId), ['authorize 2800', 'void 2800'])
  })

  test('a webhook that comes three times at once, beside the direct answer, counts once', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => due('sandbox:duplicate-webhook')))
    await h.runTimers()
    await until(
      async () => {
        h.clock.advance(100) // one that was not accepted is delivered again
        const rows = await sandbox.query('SELECT 1 FROM sandbox_webhooks WHERE delivered_at IS NULL')
        return rows.length === 0
      },
      { what: 'every webhook is delivered' },
    )
    for (const orderId of orders) assert.deepEqual(await told(orderId), ['authorized'])
  })

  test('a lost webhook loses nothing: the provider is asked again', async () => {
    const orderId = await due('sandbox:slow')
    await h.runTimers()
    await sandbox.execute(`DELETE FROM timers WHERE kind = 'conclude'`)
    await sandbox.execute(`UPDATE sandbox_payments SET status = 'authorized' WHERE order_id = $1`, [orderId])
    h.clock.advance(30_000)
    assert.deepEqual(await toldUntil(orderId, 'authorized'), ['authorized'])
  })

  test('a provider that is away is asked again until it answers, and nothing moves twice', async () => {
    const orderId = await due('sandbox:success')
    await h.runTimers()
    await sandbox.execute('ALTER TABLE sandbox_payments RENAME TO sandbox_payments_away')
    await confirm(orderId)
    await until(
      async () => {
        h.clock.advance(1_000)
        const rows = await h.database.query(
          `SELECT 1 FROM timers WHERE subject = $1 AND kind = 'capture' AND attempts >= 3 AND last_error IS NOT NULL`,
          [orderId],
        )
        return rows.length === 1
      },
      { what: 'the capture failed three times' },
    )
    await sandbox.execute('ALTER TABLE sandbox_payments_away RENAME TO sandbox_payments')
    await until(
      async () => {
        h.clock.advance(1_000)
        return (await told(orderId)).includes('captured')
      },
      { what: 'the capture succeeds' },
    )
    assert.deepEqual(await atProvider(orderId), ['authorize 2800', 'capture 2800'])
  })

  test('a cancel during the capture: the money comes back', async () => {
    const orderId = await due('sandbox:success')
    await h.runTimers()
    await h.deliverBatch([
      { type: OrderConfirmed as never, data: confirmedData(orderId) },
      {
        type: OrderCancelled as never,
        data: {
          ...confirmedData(orderId),
          reason: 'customer',
          wasConfirmed: true,
          cancelledAt: '2026-11-21T12:00:00.000Z',
        },
      },
    ])
    assert.deepEqual(await toldUntil(orderId, 'refunded'), ['authorized', 'captured', 'refunded'])
    assert.deepEqual(await atProvider(orderId), ['authorize 2800', 'capture 2800', 'refund 2800'])
  })

  test('fifty orders in one batch are authorised side by side', async () => {
    const orders = Array.from({ length: 50 }, () => randomUUID())
    await h.deliverBatch(
      orders.map((orderId) => ({ type: OrderPaymentDue as never, data: dueData(orderId, 'sandbox:success') })),
    )
    await h.runTimers()
    for (const orderId of orders) assert.deepEqual(await told(orderId), ['authorized'])
  })

  const event = async (orderId: string, changes: Record<string, unknown> = {}) => ({
    id: randomUUID(),
    createdAt: h.clock.now().toISOString(),
    payment: {
      key: (await view(orderId)).paymentId as string,
      orderId,
      reference: 'sbx_1',
      amount,
      status: 'authorized',
      ...changes,
    },
  })
  const post = (body: unknown, options: { secret?: string; at?: Date; signature?: string } = {}) => {
    const text = JSON.stringify(body)
    const signature =
      options.signature ??
      signWebhook({ secret: options.secret ?? SECRET, body: text, at: options.at ?? h.clock.now() })
    return h.call({
      method: 'POST',
      url: WEBHOOK,
      body: text,
      headers: { 'sandbox-signature': signature },
    })
  }
  const handledEvents = async (id: string) =>
    (await h.database.query('SELECT 1 FROM provider_events WHERE event_id = $1', [id])).length

  test('a forged, stale, foreign or meaningless webhook is refused and leaves nothing', async () => {
    const orderId = await due('sandbox:action')
    const other = await due('sandbox:action')
    await h.runTimers()
    const good = await event(orderId)
    const now = h.clock.now().getTime()
    const refusals = [
      ['payment.bad-signature', 400, await post(good, { secret: 'guessed' })],
      ['payment.bad-signature', 400, await post(good, { signature: '' })],
      ['payment.bad-signature', 400, await post(good, { signature: 't=1,v1=00' })],
      ['payment.bad-signature', 400, await post(good, { at: new Date(now - 301_000) })],
      ['payment.bad-signature', 400, await post(good, { at: new Date(now + 301_000) })],
      ['payment.bad-signature', 400, await h.call({ method: 'POST', url: WEBHOOK })],
      ['payment.bad-event', 400, await post({ id: 'x' })],
      ['payment.unknown', 404, await post({ ...good, payment: { ...good.payment, orderId: randomUUID() } })],
      ['payment.mismatch', 422, await post({ ...good, payment: { ...good.payment, orderId: other } })],
      ['payment.mismatch', 422, await post({ ...good, payment: { ...good.payment, amount: { ...amount, minor: 1 } } })],
      [
        'payment.mismatch',
        422,
        await post({ ...good, payment: { ...good.payment, amount: { ...amount, currency: 'JPY' } } }),
      ],
    ] as const
    for (const [code, status, answer] of refusals) assert.deepEqual([answer.body.code, answer.status], [code, status])
    assert.equal(await handledEvents(good.id), 0)
    assert.deepEqual(await told(orderId), ['action-required'])

    const answers = await Promise.all(Array.from({ length: 5 }, () => post(good)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    )
    assert.deepEqual(await told(orderId), ['action-required', 'authorized'])
    assert.equal(await handledEvents(good.id), 1)
  })

  test('the ledger takes no transaction that does not sum to zero, and no change', async () => {
    const insert = `INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, debit_minor, credit_minor, currency, at)
      VALUES (gen_random_uuid(), gen_random_uuid(), 'capture', 'revenue', 0, 100, 'USD', now())`
    await assert.rejects(h.database.execute(insert), /does not sum to zero/)
    await assert.rejects(h.database.execute('UPDATE ledger_entries SET debit_minor = 1'), /never changed/)
    await assert.rejects(h.database.execute('DELETE FROM ledger_entries'), /never changed/)
    assert.equal(await ledgerSum(), 0)
  })

  test('only staff see payments; what is not there is the same 404 whatever it looks like', async () => {
    const url = `/api/v1/payments/${await due('sandbox:success')}`
    const customer = await h.token()
    assert.equal((await h.call({ method: 'GET', url })).status, 401)
    assert.equal((await h.call({ method: 'GET', url, token: customer })).status, 403)
    for (const id of [randomUUID(), 'nonsense']) {
      const answer = await h.call({ method: 'GET', url: `/api/v1/payments/${id}`, token: staff })
      assert.deepEqual([answer.status, answer.body.code], [404, 'payment.unknown'])
    }
    await h.runTimers()
  })

  test('bad input at the confirmation page is refused with a stable code', async () => {
    const orderId = await due('sandbox:action')
    await h.runTimers()
    const url = await actionOf(orderId)
    const guess = '/api/v1/payments/sandbox/actions/sbx_guessed'
    const refusals = [
      ['payment.action-unknown', await h.call({ method: 'GET', url: guess })],
      ['payment.action-unknown', await h.call({ method: 'POST', url: guess, body: { outcome: 'approve' } })],
      ['request.invalid', await h.call({ method: 'POST', url, body: { outcome: 'maybe' } })],
      ['request.invalid', await h.call({ method: 'POST', url, body: { outcome: 'approve', amount: 1 } })],
      ['request.malformed', await h.call({ method: 'POST', url, body: '{' })],
    ] as const
    for (const [code, answer] of refusals) assert.equal(answer.body.code, code)
    assert.deepEqual(await told(orderId), ['action-required'])
  })
})
