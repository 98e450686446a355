import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runInContext } from '@micromart/telemetry/context'
import { DeadlineOver, deadlineIn } from '@micromart/telemetry/deadline'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { type Database, openDatabase } from './database.ts'
import { isUnavailable, isUniqueViolation } from './errors.ts'

describe('transactions', () => {
  let database: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ database, close } = await openScratchDatabase())
    await database.execute('CREATE TABLE notes (id int PRIMARY KEY)')
  })
  after(() => close())

  const INSERT = 'INSERT INTO notes (id) VALUES ($1)'
  const count = async () => (await database.query('SELECT id FROM notes')).length
  /** Every connection of the pool is still good for work. */
  const poolWorks = () =>
    Promise.all(Array.from({ length: 10 }, () => database.transaction((tx) => tx.query('SELECT 1'))))

  test('what throws is rolled back, writes on their way included', async () => {
    await assert.rejects(
      database.transaction(async (tx) => {
        tx.write(INSERT, [1])
        throw new Error('not this time')
      }),
      /not this time/,
    )
    assert.equal(await count(), 0)
  })

  test('a write that fails makes the commit fail with its own error, and nothing stays', async () => {
    let woken = false
    const doomed = database.transaction(async (tx) => {
      tx.afterCommit(() => {
        woken = true
      })
      for (const id of [1, 2, 2, 3]) tx.write(INSERT, [id])
      return 'done'
    })
    await assert.rejects(doomed, isUniqueViolation)
    assert.deepEqual([await count(), woken], [0, false])
    await poolWorks()
  })

  test('a query behind a write that failed reports the write, in the words of who sent it', async () => {
    class Taken extends Error {}
    const doomed = database.transaction(async (tx) => {
      tx.write(INSERT, [1])
      tx.write(INSERT, [1], (error) => (isUniqueViolation(error) ? new Taken() : error))
      await tx.query('SELECT 1')
    })
    await assert.rejects(doomed, Taken)
    await poolWorks()
  })

  test('writes come in order, and are there after the commit', async () => {
    await database.transaction(async (tx) => {
      tx.write(INSERT, [1])
      tx.write('UPDATE notes SET id = id + 1', [])
      tx.write(INSERT, [1])
    })
    assert.equal(await count(), 2)
  })
})

describe('a network that swallows everything', () => {
  test('is noticed by a session within seconds, and nothing waits for it any more', { timeout: 20_000 }, async (t) => {
    const { url, close } = await openScratchDatabase()
    t.after(close)
    const proxy = await startFaultProxy({ upstreams: () => [{ port: Number(new URL(url).port) }] })
    t.after(() => proxy.close())
    const database = openDatabase({ url: proxy.urlOf(url) })
    t.after(() => database.close())
    const session = await database.session({ patienceMs: 1_000 })
    await session.query('SELECT pg_advisory_lock(1)')
    await database.query('SELECT 1')
    await proxy.apply({ kind: 'partition' })
    const asked = assert.rejects(database.query('SELECT 2'), isUnavailable)
    await Promise.all([session.ended, asked])
    await assert.rejects(session.query('SELECT 3'))
  })

  test('makes the server let go of locks: it asks silent clients', async (t) => {
    const { database, close } = await openScratchDatabase()
    t.after(close)
    const settings = await database.query<{ setting: string }>(
      `SELECT setting FROM pg_settings WHERE name LIKE 'tcp%' ORDER BY name`,
    )
    assert.deepEqual(
      settings.map(({ setting }) => setting),
      ['3', '2', '1', '5000'],
    )
  })
})

describe('a server that is silent', () => {
  test('is taken for gone after a while, and the next statement finds it again', async () => {
    const { url, close } = await openScratchDatabase()
    const { port } = new URL(url)
    const proxy = await startFaultProxy({ upstreams: () => [{ port: Number(port) }] })
    const database = openDatabase({ url: proxy.urlOf(url), answerWithinMs: 300 })
    try {
      await database.query('SELECT 1')
      await proxy.apply({ kind: 'half-open' })
      await assert.rejects(database.query('SELECT 1'), isUnavailable)
      await proxy.heal()
      assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }])

      await assert.rejects(
        database.transaction(async (tx) => {
          await tx.query('SELECT 1')
          await proxy.apply({ kind: 'half-open' })
          await tx.query('SELECT 2')
        }),
        isUnavailable,
      )
      await proxy.heal()
      assert.deepEqual(await database.transaction((tx) => tx.query('SELECT 2 AS two')), [{ two: 2 }])
    } finally {
      await database.close()
      await proxy.close()
      await close()
    }
  })
})

describe('the deadline of a request', () => {
  const context = { correlationId: 'a', causationId: 'a', traceparent: 'a' }
  /** A database of one connection; `hold` keeps it until it is called. */
  const openNarrow = async () => {
    const scratch = await openScratchDatabase()
    const database = openDatabase({ url: scratch.url, poolSize: 1 })
    const hold = async () => {
      const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const held = database.transaction(async (tx) => {
        await tx.query('SELECT 1')
        begun.resolve()
        await end.promise
      })
      await begun.promise
      return () => {
        end.resolve()
        return held
      }
    }
    const close = () => database.close().then(scratch.close)
    return { database, hold, close }
  }

  test('bounds the wait for a connection, and the connection that comes too late is not lost', {
    timeout: 20_000,
  }, async (t) => {
    const { database, hold, close } = await openNarrow()
    t.after(close)
    const letGo = await hold()
    let begun = 0
    const begin = async () => {
      begun += 1
    }
    const asks: readonly (() => Promise<unknown>)[] = [
      () => database.transaction(begin),
      () => database.query('SELECT 1'),
      () => database.execute('SELECT 1'),
    ]
    const inVain = (ask: () => Promise<unknown>) =>
      assert.rejects(runInContext({ ...context, deadline: deadlineIn(20) }, ask), DeadlineOver)
    await Promise.all(asks.map(inVain))
    await letGo()
    assert.deepEqual([begun, await database.query('SELECT 1 AS one')], [0, [{ one: 1 }]])
  })

  test('that is over asks for no connection; what has begun goes on, and a commit ends the hurry', async (t) => {
    const { database, close } = await openNarrow()
    t.after(close)
    let nowMs = 0
    const deadline = deadlineIn(100, () => nowMs)
    await runInContext({ ...context, deadline }, async () => {
      await database.execute('CREATE TABLE notes (id int)')
      await database.transaction(async (tx) => {
        nowMs = 101
        await tx.execute('INSERT INTO notes (id) VALUES (1)')
      })
      assert.deepEqual(await database.query('SELECT id FROM notes'), [{ id: 1 }])
    })
    const over = { ...context, deadline: deadlineIn(-1, () => nowMs) }
    await assert.rejects(
      runInContext(over, () => database.query('SELECT 1')),
      DeadlineOver,
    )
  })
})
