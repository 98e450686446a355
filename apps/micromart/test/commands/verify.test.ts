import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type HistoryRecord, recordHistory } from '@micromart/proof/history'
import { runProgram } from '@micromart/proof/program'
import { recordShopkeeper, recordShopper } from '@micromart/proof/recorded-shopper'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import type { Finding } from '@micromart/proof/verify/finding'
import { invariantNames } from '@micromart/proof/verify/verify'
import { until } from '@micromart/testkit/until'
import { type RunningShop, runShop } from './running-shop.ts'
import { tamperings } from './tamperings.ts'

describe('micromart verify', () => {
  let shop: RunningShop
  let history: string
  before(async () => {
    shop = await runShop()
    history = join(shop.dataDir, 'history.ndjson')
    await buyAndCancel(shop, history)
    await register(shop)
  })
  after(() => shop?.close())

  const verify = async (...more: readonly string[]) => {
    const { code, lastLine, output } = await runProgram(['verify', '--data', shop.dataDir, '--json', ...more])
    assert.match(lastLine, /^\{/, output)
    const { ok, findings } = JSON.parse(lastLine) as { ok: boolean; findings: readonly Finding[] }
    assert.equal(ok, code === 0)
    const inState = (wanted: Finding['state']) =>
      findings.filter(({ state }) => state === wanted).map(({ invariant }) => invariant)
    return { code, broken: inState('violated'), open: inState('not judged'), findings }
  }
  const verdict = async (...more: readonly string[]) => {
    const { code, broken } = await verify('--history', history, ...more)
    return { code, broken }
  }

  test('sound books and a sound history pass, with the shop running and asked; every check has looked at something', async () => {
    const { code, broken, open, findings } = await verify('--url', shop.url, '--history', history)
    assert.deepEqual({ code, broken, open }, { code: 0, broken: [], open: [] })
    assert.deepEqual(
      findings.map(({ invariant }) => invariant),
      invariantNames,
    )
    const idle = findings.filter(({ counts }) => Object.values(counts).every((count) => count === 0))
    assert.deepEqual(
      idle.map(({ invariant }) => invariant).filter((name) => name !== 'I9'), // nobody has made a coupon
      [],
    )
    const { hashes = {} } = findings.find(({ invariant }) => invariant === 'I7') ?? {}
    assert.deepEqual(Object.keys(hashes), ['order', 'inventory', 'payment', 'analytics'])
    for (const { replayed, stored } of Object.values(hashes)) {
      assert.match(stored, /^[0-9a-f]{64}$/)
      assert.equal(replayed, stored)
    }
  })

  test('as a table; without a history what only clients know is not judged, and that is said', async () => {
    const { code, output } = await runProgram(['verify', '--data', shop.dataDir])
    assert.equal(code, 0)
    const rows = output.match(/^[✓✗–] .*?I\d+/gm)?.map((row) => row.replaceAll(/ +/g, ' '))
    const isOpen = (name: string) => name === 'I10' || name === 'I11'
    assert.deepEqual(
      rows,
      invariantNames.map((name) => (isOpen(name) ? `– not judged ${name}` : `✓ ok ${name}`)),
    )
    assert.match(output, /not judged without --history/)
    assert.match(output, /^10 ok, 0 violated, 2 not judged$/m)
  })

  test('only those that are asked for', async () => {
    const { findings } = await verify('--invariant', 'i5, I1')
    assert.deepEqual(
      findings.map(({ invariant }) => invariant),
      ['I1', 'I5'],
    )
  })

  for (const { what, database, spoil, mend, broken } of tamperings)
    test(`${what}: ${broken.join(' and ')} fails, with exit code 1`, async () => {
      await shop.sql(database, spoil)
      try {
        assert.deepEqual(await verdict('--settle', '0'), { code: 1, broken })
      } finally {
        await shop.sql(database, mend)
      }
      assert.deepEqual(await verdict(), { code: 0, broken: [] })
    })

  const spoilHistory = async (change: (records: HistoryRecord[]) => readonly HistoryRecord[]) => {
    const lines = (await readFile(history, 'utf8')).trim().split('\n')
    const changed = change(lines.map((line) => JSON.parse(line) as HistoryRecord))
    const file = join(shop.dataDir, `${randomUUID()}.ndjson`)
    await writeFile(file, changed.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const { code, broken } = await verify('--settle', '0', '--history', file)
    return { code, broken }
  }

  test('an order that a client was promised and that is not there: I4 and I10 fail', async () => {
    const call = { process: 99, at: 0, op: 'checkout', key: 'k' } as const
    const promised: readonly HistoryRecord[] = [
      { ...call, type: 'invoke', cart: randomUUID(), request: 'r' },
      { ...call, type: 'ok', orderId: randomUUID(), body: '{}' },
    ]
    assert.deepEqual(await spoilHistory((records) => [...records, ...promised]), { code: 1, broken: ['I4', 'I10'] })
  })

  test('a shelf that was seen as it never was: I11 fails', async () => {
    const seen = await spoilHistory((records) =>
      records.map((record) =>
        record.type === 'ok' && record.op === 'stock-read' ? { ...record, onHand: (record.onHand ?? 0) + 1 } : record,
      ),
    )
    assert.deepEqual(seen, { code: 1, broken: ['I11'] })
  })

  test('an order that was seen as confirmed before it was refunded, and afterwards again: I10 fails', async () => {
    const again = await spoilHistory((records) => {
      const last = records.findLast(({ type, op }) => type === 'ok' && op === 'order-read')
      const key = last?.key ?? ''
      const call = { process: 99, at: 0, op: 'order-read', key } as const
      return [...records, { ...call, type: 'invoke' }, { ...call, type: 'ok', state: 'confirmed', reason: null }]
    })
    assert.deepEqual(again, { code: 1, broken: ['I10'] })
  })

  test('what cannot be checked is said in one sentence', async () => {
    const torn = join(shop.dataDir, 'torn.ndjson')
    await writeFile(torn, '{"process":1}\n')
    const unbegun = join(shop.dataDir, 'unbegun.ndjson')
    await writeFile(unbegun, '{"process":1,"type":"ok","op":"checkout","key":"k","at":1}\n')
    const here = ['--data', shop.dataDir]
    const cases = [
      [['--data', join(shop.dataDir, 'nowhere')], 1, /There is no shop in .*nowhere/],
      [[...here, '--url', 'http://127.0.0.1:9', '--settle', '0'], 1, /is not ready/],
      [['--settle', 'soon'], 2, /Seconds are a number/],
      [['--invariant', 'I1,I13'], 2, /Invariants are I1, I2, /],
      [[...here, '--history', join(shop.dataDir, 'none.ndjson')], 1, /^The history .*none\.ndjson cannot be read/m],
      [[...here, '--history', torn], 1, /^Line 1 of .*torn\.ndjson is no record of a history/m],
      [[...here, '--history', unbegun], 1, /^Record 1 of the history ends checkout k, which client 1 has not begun/m],
    ] as const
    for (const [args, code, sentence] of cases) {
      const result = await runProgram(['verify', ...args])
      assert.equal(result.code, code)
      assert.match(result.output, sentence)
    }
  })

  test('with some of the databases named by URL the missing ones are named', async () => {
    const { code, output } = await runProgram(['verify'], { CART_DATABASE_URL: 'postgres://127.0.0.1:9/none' })
    assert.equal(code, 1)
    assert.match(output, /Every database is needed .* set USER_DATABASE_URL, PRODUCT_DATABASE_URL, /)
  })
})

/** One order that is kept, with a coupon, one that is paid back and a cart that stays, with staff who count: all of it written down. */
/** Somebody whose books have a mail that is about no order. */
async function register({ url }: RunningShop) {
  const email = `${randomUUID()}@example.com`
  const body = JSON.stringify({ email, password: 'a long enough password', name: 'Ada' })
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(`${url}/api/v1/auth/register`, { method: 'POST', headers, body })).status, 202)
  const mails = async () => (await fetch(`${url}/api/v1/mailbox?to=${email}`)).text()
  await until(async () => (await mails()).includes('verify-email'), {
    withinMs: 20_000,
    what: 'the mail of an account',
  })
}

async function buyAndCancel({ shopper }: RunningShop, file: string) {
  const history = recordHistory({ file })
  const keeper = recordShopkeeper(await openShopkeeper(shopper), history)
  const client = recordShopper(shopper, history)
  const sku = await keeper.stocked(10)
  const code = await keeper.coupon({ kind: 'percent', percent: 10, mostUses: 1 })
  const buy = async (coupon?: string) => {
    const cart = await shopper.newCart()
    await client.add(cart, sku, 2)
    if (coupon) await shopper.applyCoupon(cart, coupon)
    const wish = {
      key: randomUUID(),
      email: 'ada@example.com',
      method: 'sandbox:success',
      ...(coupon ? { coupon } : {}),
    }
    await client.checkout(cart, wish)
    const { body } = await client.checkout(cart, wish)
    const orderId = body.orderId as string
    const reaches = (status: string) =>
      until(async () => (await client.readOrder(orderId, cart)).body?.status === status, { what: status })
    await reaches('confirmed')
    return { orderId, cart, reaches }
  }
  await buy(code)
  const { orderId, cart, reaches } = await buy()
  assert.equal((await client.cancel(orderId, cart)).status, 202)
  await reaches('refunded')
  assert.equal((await keeper.adjust(sku, 3)).status, 201)
  assert.equal((await keeper.adjust(sku, -2)).status, 201)
  assert.equal((await keeper.adjust(sku, -1_000)).status, 409)
  assert.equal((await client.readStock(sku)).status, 200)
  await client.add(await shopper.newCart(), sku, 3)
  await history.close()
}
