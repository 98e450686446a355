import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { test } from 'node:test'
import type { BadRow } from './import-problems.ts'
import type { ParsedProduct } from './product-from-rows.ts'
import { readShopifyProducts } from './shopify-csv.ts'

const catalogue = new URL('../../../../services/product/demo/catalogue.csv', import.meta.url)

test('the demo catalogue is read without a bad row, and has what the documentation buys', async () => {
  const products: ParsedProduct[] = []
  const badRows: BadRow[] = []
  for await (const item of readShopifyProducts(createReadStream(catalogue))) {
    if (item.kind === 'product') products.push(item)
    else badRows.push(item)
  }
  assert.deepEqual(badRows, [])
  assert.ok(products.length >= 55 && products.length <= 65, `${products.length} products`)
  const variants = products.flatMap((product) => product.variants)
  assert.equal(new Set(variants.map(({ sku }) => sku)).size, variants.length)
  for (const { sku, quantity = 0, price } of variants)
    assert.ok(quantity >= 5 && quantity <= 250 && price.minor > 0 && price.currency === 'USD', sku)
  for (const { handle, status, description, vendor, productType, tags } of products)
    assert.ok(status === 'active' && description.startsWith('<p>') && vendor && productType && tags.length > 0, handle)
  const bySku = new Map(
    products.flatMap(({ handle, variants }) => variants.map((variant) => [variant.sku, { handle, variant }])),
  )
  const mug = bySku.get('MUG-ENAMEL-WHITE')
  assert.deepEqual([mug?.handle, mug?.variant.price.minor, mug?.variant.quantity], ['enamel-mug', 1400, 250])
  assert.equal(bySku.get('APRON-LINEN-OAT')?.handle, 'linen-apron')
})
