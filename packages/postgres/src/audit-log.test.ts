import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '@micromart/kernel/clock'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { type AuditEntry, createAuditLog } from './audit-log.ts'
import type { Database } from './database.ts'

const entry = (subject: string): AuditEntry => ({
  ...{ actor: 'a', action: 'test.done', subject },
  details: { z: 1, a: [{ y: null, b: 'ü' }] },
})

interface Row {
  readonly sequence: string
  readonly previous_hash: string
  readonly hash: string
}

describe('audit log', () => {
  const audit = createAuditLog({ clock: systemClock })
  let database: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ database, close } = await openScratchDatabase())
  })
  after(() => close())

  const rows = () => database.query<Row>('SELECT sequence, previous_hash, hash FROM audit_log ORDER BY sequence')
  const append = (subject: string) => database.transaction((tx) => audit.append(tx, entry(subject)))

  test('a row carries the hash of its fields and of the row before it', async () => {
    await append('first')
    const [row] = await database.query<{ at: Date; hash: string }>('SELECT at, hash FROM audit_log')
    const fields = [
      '0'.repeat(64),
      1,
      row?.at.toISOString(),
      'a',
      'test.done',
      'first',
      { a: [{ b: 'ü', y: null }], z: 1 },
    ]
    assert.equal(row?.hash, createHash('sha256').update(JSON.stringify(fields)).digest('hex'))
  })

  test('a transaction that fails leaves no row and no gap', async () => {
    const before = await rows()
    const failed = database.transaction(async (tx) => {
      await audit.append(tx, entry('lost'))
      throw new Error('changed my mind')
    })
    await assert.rejects(failed, /changed my mind/)
    assert.deepEqual(await rows(), before)
  })

  test('fifty at once, a third of which fail, and two in one transaction: one chain without gaps', async () => {
    const before = (await rows()).length
    const attempts = Array.from({ length: 50 }, (_, turn) =>
      database
        .transaction(async (tx) => {
          await audit.append(tx, entry(`${turn} once`))
          await audit.append(tx, entry(`${turn} twice`))
          if (turn % 3 === 0) throw new Error('rolled back')
        })
        .then(
          () => 2,
          () => 0,
        ),
    )
    const appended = (await Promise.all(attempts)).reduce<number>((sum, count) => sum + count, 0)
    const chain = await rows()
    assert.equal(chain.length, before + appended)
    for (const [index, { sequence, previous_hash }] of chain.entries()) {
      assert.equal(Number(sequence), index + 1)
      assert.equal(previous_hash, chain[index - 1]?.hash ?? '0'.repeat(64))
    }
    const [head] = await database.query<{ sequence: string; hash: string }>('SELECT sequence, hash FROM audit_head')
    assert.deepEqual([head?.sequence, head?.hash], [chain.at(-1)?.sequence, chain.at(-1)?.hash])
  })

  test('rows are never changed: the database itself refuses', async () => {
    for (const change of [`UPDATE audit_log SET actor = 'b'`, 'DELETE FROM audit_log', 'TRUNCATE audit_log'])
      await assert.rejects(database.execute(change), /audit rows are never changed/)
  })
})
