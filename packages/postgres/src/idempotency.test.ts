import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '@micromart/kernel/clock'
import { ok, refuse } from '@micromart/kernel/result'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import type { Database } from './database.ts'
import { type IdempotentWrite, idempotentWrites } from './idempotency.ts'

describe('idempotent writes', () => {
  let database: Database
  let close: () => Promise<void>
  let write: IdempotentWrite
  before(async () => {
    ;({ database, close } = await openScratchDatabase())
    await database.execute('CREATE TABLE effects (key text)')
    write = idempotentWrites({ database, clock: systemClock })
  })
  after(() => close())

  const keyed = (key: string, requestHash = 'hash') => ({ caller: 'me', route: 'POST /things', key, requestHash })
  const effects = async (key: string) => (await database.query('SELECT 1 FROM effects WHERE key = $1', [key])).length
  const make = (key: string) =>
    write(keyed(key), async (tx) => {
      await tx.execute('INSERT INTO effects VALUES ($1)', [key])
      return ok({ status: 201, headers: { location: `/things/${key}` }, body: `{"made": "${key}"}` })
    })

  test('the same key and request: one effect, the same answer', async () => {
    const first = await make('a')
    const second = await make('a')
    assert.deepEqual(first.ok && { ...first.value, replayed: true }, second.ok && second.value)
    assert.equal(await effects('a'), 1)
  })

  test('the same key and another request is refused', async () => {
    await make('b')
    const other = await write(keyed('b', 'other'), async () => ok({ status: 200, headers: {}, body: '' }))
    assert.equal(other.ok ? '' : other.error.code, 'idempotency.key-reused')
  })

  test('a second request while the first still runs is refused at once', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const { promise: running, resolve: started } = Promise.withResolvers<void>()
    const first = write(keyed('c'), async () => {
      started()
      await gate
      return ok({ status: 200, headers: {}, body: '' })
    })
    await running
    const second = await make('c')
    assert.equal(second.ok ? '' : second.error.code, 'idempotency.in-flight')
    open()
    assert.ok((await first).ok)
    assert.equal(await effects('c'), 0)
  })

  test('a refused or failed write leaves neither effect nor record', async () => {
    const refused = await write(keyed('d'), async (tx) => {
      await tx.execute('INSERT INTO effects VALUES ($1)', ['d'])
      return refuse('thing.refused', 'no')
    })
    assert.equal(refused.ok ? '' : refused.error.code, 'thing.refused')
    await assert.rejects(() => write(keyed('d'), () => Promise.reject(new Error('broken'))))
    assert.equal(await effects('d'), 0)
    assert.ok((await make('d')).ok)
    assert.equal(await effects('d'), 1)
  })

  test('fifty at once with one key: one effect', async () => {
    const results = await Promise.all(Array.from({ length: 50 }, () => make('e')))
    assert.ok(results.some((result) => result.ok))
    assert.ok(results.every((result) => result.ok || result.error.code === 'idempotency.in-flight'))
    assert.equal(await effects('e'), 1)
  })
})
