import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type HistoryRecord, recordHistory } from './history.ts'
import { outcomeOf } from './recorded-shopper.ts'
import { BadHistory, readHistory } from './verify/read-history.ts'

describe('a history', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'micromart-history-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('is written line by line, in memory and in the file, and read again', async () => {
    const file = join(folder, 'two.ndjson')
    const told: HistoryRecord[] = []
    let now = 0
    const history = recordHistory({ file, onRecord: (record) => told.push(record), now: () => ++now })
    const [first, second] = [history.newProcess(), history.newProcess()]
    const endFirst = history.begin(first, { op: 'stock-read', key: 'A' })
    const endSecond = history.begin(second, { op: 'stock-adjust', key: 'A', quantity: -1, reason: 'r' })
    endFirst({ type: 'ok', status: 200, onHand: 3, reserved: 1 })
    endSecond({ type: 'info', status: 0 })
    history.begin(second, { op: 'stock-read', key: 'A' })
    await history.close()
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      history.records,
    )
    assert.deepEqual(told, history.records)
    assert.deepEqual(history.records[2], {
      ...{ process: 0, at: 3, op: 'stock-read', key: 'A', type: 'ok', status: 200, onHand: 3, reserved: 1 },
    })
    const read = await readHistory(file)
    assert.deepEqual(
      read.of('stock-read', 'stock-adjust').map(({ call: { op }, from, end }) => [op, from, end]),
      [
        ['stock-read', 0, 'ok'],
        ['stock-adjust', 1, 'unknown'],
        ['stock-read', 4, 'unknown'],
      ],
    )
  })

  test('a file that cannot be written is told when the history is closed', async () => {
    const history = recordHistory({ file: join(folder, 'no', 'such', 'folder.ndjson') })
    history.begin(history.newProcess(), { op: 'stock-read', key: 'A' })
    await assert.rejects(history.close(), /ENOENT/)
  })

  test('a last line that was cut off is not counted, any other broken line is named', async () => {
    const whole = '{"process":0,"type":"invoke","op":"stock-read","key":"A","at":1}\n'
    const file = join(folder, 'cut.ndjson')
    await writeFile(file, `${whole}{"process":0,"type":"o`)
    assert.equal((await readHistory(file)).of('stock-read')[0]?.end, 'unknown')
    await writeFile(file, `${whole}{"process":0,"type":"o\n${whole}`)
    await assert.rejects(readHistory(file), (error) => error instanceof BadHistory && /^Line 2 of /.test(error.message))
  })

  test('what is not known is never taken for a failure', () => {
    const answer = (status: number, body: unknown = {}) => ({ status, headers: {}, text: '', body })
    assert.equal(outcomeOf(answer(0), {}).type, 'info')
    assert.equal(outcomeOf(answer(503), {}).type, 'info')
    assert.deepEqual(outcomeOf(answer(409, { code: 'a.b' }), {}), { type: 'fail', status: 409, code: 'a.b' })
    assert.deepEqual(outcomeOf(answer(201), { onHand: 1 }), { type: 'ok', status: 201, onHand: 1 })
  })
})
