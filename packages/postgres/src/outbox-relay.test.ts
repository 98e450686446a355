import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Envelope } from '@micromart/contracts/envelope'
import { OrderPlaced } from '@micromart/contracts/order'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { silentLogger } from '@micromart/telemetry/logger'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { until } from '@micromart/testkit/until'
import type { Database } from './database.ts'
import { createOutbox, send } from './outbox.ts'
import { type Publish, startOutboxRelay } from './outbox-relay.ts'

const ids = uuidV7(systemClock)
const log = silentLogger()
const confirmed = { confirmed: true } as const
const refused = { confirmed: false, reason: 'unroutable', detail: 'nobody' } as const

describe('the outbox relay', () => {
  let database: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ database, close } = await openScratchDatabase())
  })
  after(() => close())

  const outbox = createOutbox({ source: 'test', ids, clock: systemClock, wake: () => {} })
  const write = async (count: number) => {
    const orders = Array.from({ length: count }, () => ids.next())
    await database.transaction((tx) =>
      outbox.add(
        tx,
        orders.map((orderId) => send(OrderPlaced, { orderId, lines: [{ sku: 'A', quantity: 1 }] })),
      ),
    )
    return orders
  }
  const waiting = async () =>
    Number(
      (await database.query<{ count: string }>('SELECT count(*) FROM outbox WHERE published_at IS NULL'))[0]?.count,
    )
  const drained = () => until(async () => (await waiting()) === 0, { what: 'an empty outbox' })

  test('publishes what was committed, in order, and marks it only after the confirm', async () => {
    const orders = await write(450)
    const published: string[] = []
    let confirm = () => {}
    const gate = new Promise<void>((resolve) => {
      confirm = resolve
    })
    const publish: Publish = (messages) =>
      messages.map(async (message) => {
        published.push(message.subject)
        await gate
        return confirmed
      })
    const relay = startOutboxRelay({ database, publish, clock: systemClock, log })
    await until(async () => published.length === orders.length, { what: 'all messages' })
    assert.equal(await waiting(), orders.length)
    confirm()
    await drained()
    assert.deepEqual(published, orders)
    await relay.close()
  })

  test('what is not confirmed stays, with its reason, and is published again', async () => {
    const [orderId] = await write(1)
    let tries = 0
    const publish: Publish = (messages) =>
      messages.map(async () => {
        tries += 1
        return tries < 3 ? refused : confirmed
      })
    const relay = startOutboxRelay({ database, publish, clock: systemClock, log })
    await until(async () => tries >= 3, { what: 'a third try' })
    await drained()
    await relay.close()
    const rows = await database.query<{ attempts: number }>('SELECT attempts FROM outbox WHERE subject = $1', [orderId])
    assert.equal(rows[0]?.attempts, 3)
  })

  test('while the broker is away no row is to blame: all go, in order and at once, when it is back', async () => {
    const orders = await write(3)
    let away = true
    let tries = 0
    const published: string[] = []
    const publish: Publish = (messages) =>
      messages.map(async ({ subject }) => {
        tries += 1
        if (away) return { confirmed: false, reason: 'unavailable', detail: 'nobody there' }
        published.push(subject)
        return confirmed
      })
    const relay = startOutboxRelay({ database, publish, clock: systemClock, log })
    await until(async () => tries > 15, { what: 'several tries' })
    const untouched = 'SELECT 1 FROM outbox WHERE published_at IS NULL AND attempts = 0 AND available_at = created_at'
    assert.equal((await database.query(untouched)).length, 3)
    away = false
    await until(async () => published.length === 3, { what: 'all messages', withinMs: 2_000 })
    await drained()
    await relay.close()
    assert.deepEqual(published, orders)
  })

  test('a message that is held up does not hold up those after it', async () => {
    const [slow] = await write(1)
    const published: string[] = []
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const publish: Publish = (messages: readonly Envelope[]) =>
      messages.map(async ({ subject }) => {
        if (subject === slow) await released
        published.push(subject)
        return confirmed
      })
    const relay = startOutboxRelay({ database, publish, clock: systemClock, log })
    const quick = await write(3)
    relay.wake()
    await until(async () => quick.every((subject) => published.includes(subject)), { what: 'the later ones' })
    assert.ok(!published.includes(slow ?? ''))
    release()
    await drained()
    await relay.close()
  })

  test('of two instances one leads, and the other takes over when it is gone', async () => {
    const by: string[] = []
    const as =
      (name: string): Publish =>
      (messages) =>
        messages.map(async () => {
          by.push(name)
          return confirmed
        })
    const first = startOutboxRelay({ database, publish: as('first'), clock: systemClock, log })
    await write(1)
    await drained()
    const second = startOutboxRelay({ database, publish: as('second'), clock: systemClock, log })
    await write(5)
    second.wake() // it does not lead, so it calls the one that does
    await drained()
    assert.ok(by.every((name) => name === 'first'))
    await first.close()
    await write(2)
    await drained()
    assert.deepEqual(by.slice(-2), ['second', 'second'])
    await second.close()
  })

  test('nothing is written for a transaction that fails, and bad data is a bug', async () => {
    const before = await waiting()
    await assert.rejects(() =>
      database.transaction(async (tx) => {
        await outbox.add(tx, [send(OrderPlaced, { orderId: ids.next(), lines: [{ sku: 'A', quantity: 1 }] })])
        throw new Error('no')
      }),
    )
    await assert.rejects(
      () => database.transaction((tx) => outbox.add(tx, [send(OrderPlaced, { orderId: 'x', lines: [] })])),
      /does not fit/,
    )
    assert.equal(await waiting(), before)
  })
})
