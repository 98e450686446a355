import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { until } from '@micromart/testkit/until'
import type { Database } from './database.ts'
import { createTimers, startTimers, type TimerHandler } from './timers.ts'

const log = silentLogger()

describe('timers', () => {
  let database: Database
  let url: string
  let close: () => Promise<void>
  before(async () => {
    ;({ database, url, close } = await openScratchDatabase())
  })
  after(() => close())

  const clock = fakeClock()
  const timers = createTimers(() => {})
  const schedule = (kind: string, subject: string, inMs = 0) =>
    database.transaction((tx) =>
      timers.schedule(tx, [
        { id: `${kind}:${subject}`, kind, subject, data: { subject }, dueAt: new Date(clock.now().getTime() + inMs) },
      ]),
    )
  const left = async (kind: string) =>
    Number((await database.query<{ count: string }>('SELECT count(*) FROM timers WHERE kind = $1', [kind]))[0]?.count)
  const noneLeft = (kind: string) => until(async () => (await left(kind)) === 0, { what: `no ${kind} left` })

  test('fire when due and not before, each once, however often they were scheduled', async () => {
    const fired: string[] = []
    const handler: TimerHandler = {
      kind: 'once',
      settle: async (_tx, done) => void fired.push(...done.map(({ timer }) => timer.subject)),
    }
    await schedule('once', 'now')
    await schedule('once', 'now')
    await schedule('once', 'later', 60_000)
    const worker = startTimers({ database, handlers: [handler], clock, log })
    await until(async () => fired.length === 1, { what: 'the first' })
    clock.advance(60_000)
    worker.wake()
    await noneLeft('once')
    assert.deepEqual(fired, ['now', 'later'])
    await worker.close()
  })

  test('are shared by several workers without any of them firing twice', async () => {
    const fired: string[] = []
    const handler: TimerHandler = {
      kind: 'shared',
      settle: async (_tx, done) => void fired.push(...done.map(({ timer }) => timer.subject)),
    }
    for (let count = 0; count < 60; count++) await schedule('shared', String(count))
    const workers = [1, 2, 3].map(() => startTimers({ database, handlers: [handler], clock, log }))
    await noneLeft('shared')
    await Promise.all(workers.map((worker) => worker.close()))
    assert.equal(fired.length, 60)
    assert.equal(new Set(fired).size, 60)
  })

  test('are tried again when their remote part fails, and one that fails does not spoil the others of its batch', async () => {
    const tries = new Map<string, number>()
    const settled: string[] = []
    const handler: TimerHandler<{ subject: string }, string> = {
      kind: 'failing',
      longestBackOffMs: 1,
      perform: async ({ subject }) => {
        tries.set(subject, (tries.get(subject) ?? 0) + 1)
        if (subject === 'bad' && (tries.get(subject) ?? 0) < 3) throw new Error('not yet')
        return `did ${subject}`
      },
      settle: async (_tx, done) => {
        if (done.some(({ outcome }) => outcome === 'did poison') && done.length > 1) throw new Error('one of us')
        settled.push(...done.map(({ outcome }) => outcome))
      },
    }
    for (const subject of ['good', 'bad', 'poison', 'fine']) await schedule('failing', subject)
    const worker = startTimers({ database, handlers: [handler], clock, log })
    await until(
      async () => {
        clock.advance(10)
        worker.wake()
        return (await left('failing')) === 0
      },
      { what: 'all settled' },
    )
    assert.deepEqual(settled.toSorted(), ['did bad', 'did fine', 'did good', 'did poison'])
    assert.equal(tries.get('bad'), 3)
    await worker.close()
  })

  test('a worker that lost its lease settles nothing', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const settled: number[] = []
    const handler: TimerHandler = {
      kind: 'leased',
      leaseMs: 1_000,
      perform: async ({ attempts }) => {
        if (attempts === 1) await gate
      },
      settle: async (_tx, done) => void settled.push(...done.map(({ timer }) => timer.attempts)),
    }
    await schedule('leased', 'x')
    const frozen = startTimers({ database, handlers: [handler], clock, log })
    await until(
      async () =>
        (await database.query('SELECT 1 FROM timers WHERE kind = $1 AND attempts = 1', ['leased'])).length === 1,
      { what: 'a claim' },
    )
    clock.advance(2_000)
    const other = startTimers({ database, handlers: [handler], clock, log })
    await noneLeft('leased')
    release()
    await Promise.all([frozen.close(), other.close()])
    assert.deepEqual(settled, [2])
  })

  test('of a process that was killed are taken over at once; of one that is frozen, when the lease ends', async (t) => {
    const now = fakeClock(new Date().toISOString())
    const tries: string[] = []
    const claimAndHang = async (kind: string) => {
      const child = fork(fileURLToPath(new URL('../test/claim-and-hang.ts', import.meta.url)), [url, kind])
      t.after(() => child.kill('SIGKILL'))
      await once(child, 'message')
      return child
    }
    const handler = (kind: string): TimerHandler => ({
      kind,
      perform: async ({ attempts }) => void tries.push(`${kind} ${attempts}`),
      settle: async () => {},
    })
    for (const kind of ['killed', 'frozen'])
      await database.transaction((tx) =>
        timers.schedule(tx, [{ id: kind, kind, subject: kind, data: {}, dueAt: now.now() }]),
      )
    const [killed, frozen] = await Promise.all(['killed', 'frozen'].map(claimAndHang))
    frozen?.kill('SIGSTOP')
    killed?.kill('SIGKILL')
    const other = startTimers({ database, handlers: ['killed', 'frozen'].map(handler), clock: now, log })
    await noneLeft('killed')
    assert.deepEqual(tries, ['killed 2'])
    now.advance(7_200_000)
    other.wake()
    await noneLeft('frozen')
    await other.close()
    assert.deepEqual(tries, ['killed 2', 'frozen 2'])
  })

  test('a worker that was closed leaves no owner behind, and the dead are forgotten', async () => {
    const dead = '-4611686018427387905'
    await database.execute(`INSERT INTO timer_owners (key, died_at) VALUES ($1, now() - interval '6 seconds')`, [dead])
    const handler: TimerHandler = { kind: 'any', settle: async () => {} }
    const worker = startTimers({ database, handlers: [handler], clock, log })
    const owners = async () =>
      (await database.query<{ key: string }>('SELECT key FROM timer_owners')).map((row) => row.key)
    await until(async () => !(await owners()).includes(dead), { what: 'the dead are forgotten' })
    const before = await owners()
    await worker.close()
    assert.equal((await owners()).length, before.length - 1)
  })

  test('cancelling one that is being settled does not wait for it: each holds what the other needs', async () => {
    const shared = 4_711
    const reached = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const lock = 'SELECT pg_advisory_xact_lock($1)'
    const handler: TimerHandler = {
      kind: 'embraced',
      settle: async (tx) => {
        reached.resolve()
        await goOn.promise
        await tx.query(lock, [shared])
      },
    }
    await schedule('embraced', 'now')
    const worker = startTimers({ database, handlers: [handler], clock, log })
    await reached.promise
    await database.transaction(async (tx) => {
      await tx.query(lock, [shared])
      goOn.resolve()
      await tx.query('SET LOCAL lock_timeout = 500')
      await timers.cancel(tx, ['embraced:now'])
    })
    await noneLeft('embraced')
    await worker.close()
  })
})
