import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { runProgram } from '@micromart/proof/program'
import { until } from '@micromart/testkit/until'
import { type RunningShop, runShop } from './running-shop.ts'

interface Letter {
  readonly id: string
  readonly messageId: string
  readonly consumer: string
  readonly code: string
  readonly state: string
  readonly decidedBy: string | null
}

/** A message that the order service can never handle, in the outbox of the cart service. */
async function sendUnreadable({ sql }: RunningShop): Promise<string> {
  const id = randomUUID().replace(/^.{8}/, 'ffffffff') // younger than all others, as an id of now would be
  const envelope = {
    ...{ specversion: '1.0', id, source: '/cart', type: 'micromart.cart.checked-out.v1', subject: 'x' },
    ...{ time: new Date().toISOString(), datacontenttype: 'application/json', dataschema: '' },
    ...{ correlationid: id, causationid: id, traceparent: '', data: { nonsense: true } },
  }
  await sql(
    'cart',
    `INSERT INTO outbox (id, type, subject, envelope, created_at, available_at)
     VALUES ('${id}', '${envelope.type}', 'x', '${JSON.stringify(envelope)}', now(), now())`,
  )
  return id
}

describe('micromart dead-letters', () => {
  let shop: RunningShop
  before(async () => {
    shop = await runShop()
  })
  after(() => shop?.close())

  const run = (...args: readonly string[]) => runProgram(['dead-letters', ...args, '--data', shop.dataDir])
  const list = async (...more: readonly string[]) =>
    JSON.parse((await run('list', '--json', ...more)).lastLine) as readonly Letter[]
  const died = (messageId: string) =>
    until(async () => (await list()).find((letter) => letter.messageId === messageId), {
      withinMs: 20_000,
      what: 'the dead letter',
    })

  test('nothing is there at first', async () => {
    assert.deepEqual(await list(), [])
    assert.match((await run('list')).output, /^No dead letters\.$/m)
  })

  test('a message that cannot be handled is kept with its reason; replayed it dies again; discarded it is kept', async () => {
    const letter = await died(await sendUnreadable(shop))
    assert.deepEqual([letter.consumer, letter.state], ['order', 'waiting'])
    assert.match(
      (await run('list')).output,
      new RegExp(`^${letter.id}  order  micromart\\.cart\\.checked-out\\.v1`, 'm'),
    )
    const shown = JSON.parse((await run('show', letter.id)).output) as { body: string }
    assert.deepEqual(JSON.parse(shown.body).data, { nonsense: true })

    assert.equal((await run('replay', letter.id)).code, 0)
    const again = await until(async () => (await list()).find(({ id }) => id !== letter.id), { what: 'a second death' })
    const all = await list('--all')
    assert.equal(all.find(({ id }) => id === letter.id)?.state, 'replayed')

    assert.equal((await run('discard', again.id)).code, 0)
    assert.deepEqual(await list(), [])
    const gone = (await list('--all')).find(({ id }) => id === again.id)
    assert.equal(gone?.state, 'discarded')
    assert.ok(gone?.decidedBy)
    const audited = await shop.sql('order', 'SELECT action, subject, actor, details FROM audit_log ORDER BY sequence')
    assert.deepEqual(
      audited.map(({ action, subject }) => [action, subject]),
      [
        ['dead-letter.replayed', letter.id],
        ['dead-letter.discarded', again.id],
      ],
    )
    assert.equal(audited[1]?.['actor'], `operator:${gone.decidedBy}`)
    const twice = await run('discard', again.id)
    assert.equal(twice.code, 1)
    assert.match(twice.output, /does not wait any more: it is discarded/)
  })

  test('an id that is none is refused in one sentence', async () => {
    for (const id of ['nonsense', randomUUID()]) {
      const { code, output } = await run('show', id)
      assert.equal(code, 1)
      assert.match(output, /^There is no dead letter .*dead-letters list\.$/m)
    }
  })
})
