import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runProgram } from '@micromart/proof/program'
import { until } from '@micromart/testkit/until'
import { type RunningShop, runShop } from './running-shop.ts'

/** A public sample of Shopify's export, beside the project. */
const SAMPLE = fileURLToPath(new URL('../../../../../shared/data/apparel.csv', import.meta.url))
const skipWithoutSample = existsSync(SAMPLE) ? false : `there is no ${SAMPLE}`

describe('micromart import products', () => {
  let shop: RunningShop
  before(async () => {
    shop = await runShop()
  })
  after(() => shop?.close())

  const run = (file: string, ...more: readonly string[]) =>
    runProgram(['import', 'products', file, '--url', shop.url, ...more])
  const get = async (path: string) => (await shop.shopper.call({ method: 'GET', path })).body

  test('a real export: all its products, none twice, and one of them is bought', {
    skip: skipWithoutSample,
  }, async () => {
    const first = JSON.parse((await run(SAMPLE, '--json')).lastLine)
    assert.deepEqual([first.created, first.updated, first.unchanged, first.bad], [20, 0, 0, []])
    const second = JSON.parse((await run(SAMPLE, '--json')).lastLine)
    assert.deepEqual([second.created, second.updated, second.unchanged, second.bad], [0, 0, 20, []])

    const { title, variants } = await get('/api/v1/products/ocean-blue-shirt')
    assert.equal(title, 'Ocean Blue Shirt')
    const { sku } = variants[0]
    const { available } = await get(`/api/v1/inventory/${sku}`)
    const cart = await shop.shopper.newCart()
    await shop.shopper.add(cart, sku, 1)
    const { body } = await shop.shopper.checkout(cart)
    await until(async () => (await shop.shopper.order(body.orderId, cart.token)).body.status === 'confirmed', {
      what: 'a confirmed order',
    })
    await until(async () => (await get(`/api/v1/inventory/${sku}`)).available === available - 1, { what: 'one less' })
  })

  test('a bad row is told with its line and reason, and stops none of the others', async () => {
    const file = join(shop.dataDir, 'rows.csv')
    await writeFile(
      file,
      '\uFEFFHandle,Title,Variant SKU,Variant Price,Variant Inventory Qty\r\ngood-one,"Good, with\r\na new line",GOOD-1,1.50,3\r\nbad-one,Bad,BAD-1,free,3\r\n',
    )
    const { code, output } = await run(file)
    assert.equal(code, 1)
    assert.match(output, /1 products created/)
    assert.match(output, /^line 4: .+ \([a-z-]+\.[a-z-]+\)$/m)
    assert.equal((await get('/api/v1/products/good-one')).title, 'Good, with a new line')
    assert.equal((await get('/api/v1/inventory/GOOD-1')).onHand, 3)
    assert.equal((await get('/api/v1/products/bad-one')).status, 404)
  })

  test('what is no CSV, no file, no shop or no staff is said in one sentence', async () => {
    const file = join(shop.dataDir, 'one.csv')
    await writeFile(file, 'Handle,Title,Variant Price\none,One,1.00\n')
    const cases = [
      [[join(shop.dataDir, 'nothing.csv'), '--url', shop.url], /cannot be read/],
      [[fileURLToPath(import.meta.url), '--url', shop.url], /The header lacks the column/],
      [[file, '--url', 'http://127.0.0.1:9', '--token', 'x'], /does not answer/],
      [[file, '--url', shop.url, '--token', 'x'], /token/],
    ] as const
    for (const [args, sentence] of cases) {
      const { code, output } = await runProgram(['import', 'products', ...args])
      assert.equal(code, 1, output)
      assert.match(output, sentence)
      assert.doesNotMatch(output, /^\s+at /m)
    }
  })
})
