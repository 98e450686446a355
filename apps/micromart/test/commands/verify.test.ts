import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runProgram } from '@micromart/proof/program'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import { until } from '@micromart/testkit/until'
import { type RunningShop, runShop } from './running-shop.ts'
import { tamperings } from './tamperings.ts'

describe('micromart verify', () => {
  let shop: RunningShop
  before(async () => {
    shop = await runShop()
    await buyAndCancel(shop)
  })
  after(() => shop?.close())

  const verify = async (...more: readonly string[]) => {
    const { code, lastLine, output } = await runProgram(['verify', '--data', shop.dataDir, '--json', ...more])
    assert.match(lastLine, /^\{/, output)
    const { findings } = JSON.parse(lastLine) as { findings: { invariant: string; violations: string[] }[] }
    return {
      code,
      broken: findings.filter(({ violations }) => violations.length > 0).map(({ invariant }) => invariant),
    }
  }

  test('sound books pass, in text and as JSON, with the shop running and asked', async () => {
    assert.deepEqual(await verify('--url', shop.url), { code: 0, broken: [] })
    const { code, output } = await runProgram(['verify', '--data', shop.dataDir])
    assert.equal(code, 0)
    assert.deepEqual(
      output.match(/^pass {2}I\d/gm),
      ['I1', 'I2', 'I3', 'I4', 'I5', 'I6'].map((name) => `pass  ${name}`),
    )
  })

  for (const { what, database, spoil, mend, broken } of tamperings)
    test(`${what}: ${broken.join(' and ')} fails, with exit code 1`, async () => {
      await shop.sql(database, spoil)
      try {
        assert.deepEqual(await verify('--settle', '0'), { code: 1, broken })
      } finally {
        await shop.sql(database, mend)
      }
      assert.deepEqual(await verify(), { code: 0, broken: [] })
    })

  test('an order that a client was promised and that is not there: I4 fails', async () => {
    const history = join(shop.dataDir, 'history.ndjson')
    const promised = { type: 'ok', op: 'checkout', key: 'k', orderId: randomUUID(), body: '{}' }
    await writeFile(history, `${JSON.stringify(promised)}\n`)
    assert.deepEqual(await verify('--settle', '0', '--history', history), { code: 1, broken: ['I4'] })
  })

  test('what cannot be checked is said in one sentence', async () => {
    const cases = [
      [['--data', join(shop.dataDir, 'nowhere')], 1, /There is no shop in .*nowhere/],
      [['--data', shop.dataDir, '--url', 'http://127.0.0.1:9', '--settle', '0'], 1, /is not ready/],
      [['--settle', 'soon'], 2, /Seconds are a number/],
    ] as const
    for (const [args, code, sentence] of cases) {
      const result = await runProgram(['verify', ...args])
      assert.equal(result.code, code)
      assert.match(result.output, sentence)
    }
  })
})

/** One order that is kept, with a coupon, and one that is paid back. */
async function buyAndCancel({ shopper }: RunningShop) {
  const keeper = await openShopkeeper(shopper)
  const sku = await keeper.stocked(10)
  const code = await keeper.coupon({ kind: 'percent', percent: 10, mostUses: 1 })
  const buy = async (coupon?: string) => {
    const cart = await shopper.newCart()
    await shopper.add(cart, sku, 2)
    if (coupon) await shopper.applyCoupon(cart, coupon)
    const { body } = await shopper.checkout(cart)
    const reaches = (status: string) =>
      until(async () => (await shopper.order(body.orderId, cart.token)).body?.status === status, { what: status })
    await reaches('confirmed')
    return { orderId: body.orderId as string, cart, reaches }
  }
  await buy(code)
  const { orderId, cart, reaches } = await buy()
  const headers = { 'cart-token': cart.token }
  await shopper.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers })
  await reaches('refunded')
}
