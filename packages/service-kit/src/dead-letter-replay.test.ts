import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { OrderConfirmed } from '@micromart/contracts/order'
import { uuidV7 } from '@micromart/kernel/ids'
import type { BatchHandler } from '@micromart/messaging/broker'
import type { Database } from '@micromart/postgres/database'
import { decideDeadLetter, forgetInInbox, listDeadLetters } from '@micromart/postgres/dead-letters'
import type { ClaimedTimer } from '@micromart/postgres/timers'
import { continueTrace } from '@micromart/telemetry/context'
import { silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { consume } from './consume.ts'
import { REPLAY_TIMER, replayHandler } from './dead-letter-replay.ts'
import { on, subscription } from './subscription.ts'

describe('a message that can never be handled', () => {
  const clock = fakeClock()
  const ids = uuidV7(clock)
  let database: Database
  let close: () => Promise<void>
  let handle: BatchHandler
  before(async () => {
    ;({ database, close } = await openScratchDatabase())
    handle = consume({
      consumer: 'analytics',
      subscription: subscription(on(OrderConfirmed, async () => {})),
      database,
      clock,
      ids,
      log: silentLogger(),
      closing: new AbortController().signal,
    })
  })
  after(() => close())

  const body = JSON.stringify({ specversion: '1.0', id: ids.next(), type: OrderConfirmed.type, data: {} })
  const deliver = () => handle([{ body, attempt: 1, exhausted: false }])
  const states = async () => (await listDeadLetters(database, { all: true })).map(({ state }) => state)

  test('becomes one dead letter, however often it comes', async () => {
    await deliver()
    await deliver()
    await handle([
      { body, attempt: 1, exhausted: false },
      { body, attempt: 20, exhausted: true },
    ])
    assert.deepEqual(await states(), ['waiting'])
  })

  test('dies again when it is replayed, once, though the replay is tried again after a crash', async () => {
    const [letter] = await listDeadLetters(database, { all: false })
    assert.ok(letter)
    const at = clock.now()
    await decideDeadLetter(database, { id: letter.id, from: 'waiting', to: 'replaying', by: 'test', at })
    await forgetInInbox(database, letter)
    const replay = replayHandler({ database, handle, clock })
    const timer: ClaimedTimer<object> = {
      id: letter.id,
      kind: REPLAY_TIMER,
      subject: letter.id,
      data: {},
      dueAt: at,
      attempts: 1,
      context: { correlationId: letter.id, causationId: letter.id, traceparent: continueTrace(undefined) },
    }
    await replay.perform?.(timer)
    await replay.perform?.({ ...timer, attempts: 2 })
    assert.deepEqual(await states(), ['replaying', 'waiting'])
  })
})
