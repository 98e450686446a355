import assert from 'node:assert/strict'
import { createReadStream, existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TextSource } from './csv-rows.ts'
import type { BadRow } from './import-problems.ts'
import type { ParsedProduct } from './product-from-rows.ts'
import { readShopifyProducts } from './shopify-csv.ts'

const header =
  'Handle,Title,Body (HTML),Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Variant Inventory Qty,Image Src,Image Position'

describe('products', () => {
  test('one row is a product with one variant and no options', async () => {
    const { products, badRows } = await read([
      header,
      'mug,Mug,<p>Holds tea.</p>,Title,Default Title,,,MUG-1,14.00,5,,',
    ])
    assert.deepEqual(badRows, [])
    const price = { minor: 1400, currency: 'USD' }
    assert.deepEqual(products, [
      {
        kind: 'product',
        line: 2,
        handle: 'mug',
        title: 'Mug',
        description: '<p>Holds tea.</p>',
        tags: [],
        status: 'active',
        options: [],
        images: [],
        variants: [{ sku: 'MUG-1', title: 'Default Title', options: {}, price, quantity: 5, line: 2 }],
      },
    ])
  })

  test('further rows add variants and images', async () => {
    const { products, badRows } = await read([
      header,
      'shirt,Shirt,,Size,S,Colour,Red,S-R,10,1,https://img.test/b.jpg,2',
      'shirt,,,,M,,Blue,M-B,11.50,,,',
      'shirt,,,,,,,,,,https://img.test/a.jpg,1',
      'shirt,,,,,,,,,,https://img.test/b.jpg,3',
    ])
    assert.deepEqual(badRows, [])
    const [shirt] = products
    assert.deepEqual(shirt?.options, [
      { name: 'Size', values: ['S', 'M'] },
      { name: 'Colour', values: ['Red', 'Blue'] },
    ])
    assert.deepEqual(shirt.images, [
      { url: 'https://img.test/a.jpg', position: 1 },
      { url: 'https://img.test/b.jpg', position: 2 },
    ])
    assert.deepEqual(
      shirt.variants.map(({ sku, title, price, quantity }) => [sku, title, price.minor, quantity]),
      [
        ['S-R', 'S / Red', 1000, 1],
        ['M-B', 'M / Blue', 1150, undefined],
      ],
    )
  })

  test('the new headers and every optional column are read', async () => {
    const { products, badRows } = await read([
      'Title,URL handle,Description,Vendor,Type,Tags,Status,SKU,Barcode,Option1 name,Option1 value,Price,Compare-at price,Inventory quantity,Weight value (grams),Product image URL,Image alt text,Variant image URL,Charge tax',
      `Lamp,LAMP,Warm light,Lumen,Lamps,"desk, light,desk",Archived,'0012,'0400,Size,XL,20,25,7,450.4,https://img.test/1.jpg,A lamp,https://img.test/2.jpg,TRUE`,
    ])
    assert.deepEqual(badRows, [])
    const [lamp] = products
    assert.equal(lamp?.handle, 'lamp')
    assert.deepEqual(
      [lamp.vendor, lamp.productType, lamp.tags, lamp.status],
      ['Lumen', 'Lamps', ['desk', 'light'], 'archived'],
    )
    assert.deepEqual(lamp.images, [{ url: 'https://img.test/1.jpg', alt: 'A lamp', position: 1 }])
    const [variant] = lamp.variants
    assert.deepEqual(variant?.compareAtPrice, { minor: 2500, currency: 'USD' })
    assert.deepEqual([variant.sku, variant.barcode, variant.weightGrams], ['0012', '0400', 450])
    assert.equal(variant.imageUrl, 'https://img.test/2.jpg')
  })

  test('Published stands in where there is no Status', async () => {
    const lines = ['Handle,Title,Variant Price,Published', 'a,A,1,true', 'b,B,1,FALSE', 'c,C,1,', 'd,D,1,perhaps']
    const { products, badRows } = await read(lines)
    assert.deepEqual(
      products.map(({ status }) => status),
      ['active', 'draft', 'active'],
    )
    assert.deepEqual(faults(badRows), [[5, 'import.bad-status']])
  })

  test('prices follow the currency', async () => {
    const lines = ['Handle,Title,Variant Price', 'a,A,1500', 'b,B,1500.5']
    const { products, badRows } = await read(lines, { currency: 'JPY' })
    assert.deepEqual(products[0]?.variants[0]?.price, { minor: 1500, currency: 'JPY' })
    assert.deepEqual(faults(badRows), [[3, 'import.bad-price']])
  })
})

describe('SKUs', () => {
  const lines = ['Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price']

  test('missing ones come from handle and options, the same in every import', async () => {
    const file = [...lines, 'wool-hat,Hat,Size,Extra Large,,9', 'wool-hat,,,½,,9', 'wool-hat-extra,Other,Size,Large,,9']
    const first = skusOf(await read(file))
    assert.deepEqual(skusOf(await read(file)), first)
    assert.equal(first[0], 'WOOL-HAT-EXTRA-LARGE')
    assert.match(first[1] ?? '', /^WOOL-HAT-1-2-[0-9A-F]{8}$/)
    assert.match(first[2] ?? '', /^WOOL-HAT-EXTRA-LARGE-[0-9A-F]{8}$/)
  })

  test('a stated SKU goes before a derived one of the same product', async () => {
    const { products, badRows } = await read([...lines, 'a,A,Size,B,,9', 'a,,,C,A-B,9'])
    assert.deepEqual(badRows, [])
    assert.match(products[0]?.variants[0]?.sku ?? '', /^A-B-[0-9A-F]{8}$/)
    assert.equal(products[0]?.variants[1]?.sku, 'A-B')
  })

  test('a SKU used twice, in one product or two, is a bad row', async () => {
    const file = [...lines, 'a,A,Size,S,X1,9', 'a,,,M,X1,9', 'b,B,,,X1,9', 'c,C,,,no blanks,9']
    const { products, badRows } = await read(file)
    assert.deepEqual(
      products.map(({ handle, variants }) => [handle, variants.length]),
      [['a', 1]],
    )
    assert.deepEqual(faults(badRows), [
      [3, 'import.duplicate-sku'],
      [4, 'import.duplicate-sku'],
      [5, 'import.bad-sku'],
    ])
  })
})

describe('bad rows', () => {
  for (const price of ['', '-1', 'NaN', '1e21', '1.005', '9999999999999999', '$5', '"1,50"', 'Infinity', '0x10'])
    test(`the price ${price || 'left empty'} costs its variant only`, async () => {
      const { products, badRows } = await read([
        header,
        'a,A,,Size,S,,,S1,1,,,',
        `a,,,,M,,,S2,${price},,,`,
        'a,,,,L,,,S3,3,,,',
      ])
      assert.deepEqual(skusOf({ products }), ['S1', 'S3'])
      assert.deepEqual(faults(badRows), [[3, 'import.bad-price']])
      assert.equal(badRows[0]?.handle, 'a')
    })

  for (const quantity of ['1.5', '-3', 'many', '1e3', '12345678901'])
    test(`the quantity ${quantity} is refused`, async () => {
      const { badRows } = await read([header, `a,A,,,,,,S1,1,${quantity},,`])
      assert.deepEqual(faults(badRows), [[2, 'import.bad-quantity']])
    })

  const cases: readonly [string, readonly string[], readonly (readonly [number, string])[]][] = [
    ['no title in any row', ['a,,,,,,,S1,1,,,', 'a,,,,,,,S2,1,,,'], [[2, 'import.missing-title']]],
    ['no handle', [',A,,,,,,S1,1,,,'], [[2, 'import.missing-handle']]],
    ['a handle that is a path', ['../a,A,,,,,,S1,1,,,'], [[2, 'import.bad-handle']]],
    [
      'too few and too many columns',
      ['a,A', 'a,A,,,,,,S1,1,,,,,,'],
      [
        [2, 'import.wrong-column-count'],
        [3, 'import.wrong-column-count'],
      ],
    ],
    ['an option value without a name', ['a,A,,,S,,,S1,1,,,'], [[2, 'import.bad-options']]],
    ['an option without a value', ['a,A,,Size,,,,S1,1,,,'], [[2, 'import.bad-options']]],
    [
      'an option that changes its name',
      ['a,A,,Size,S,,,S1,1,,,', 'a,,,Width,M,,,S2,1,,,'],
      [[3, 'import.bad-options']],
    ],
    ['two options of one name', ['a,A,,Size,S,size,M,S1,1,,,'], [[2, 'import.bad-options']]],
    ['the same option values twice', ['a,A,,Size,S,,,S1,1,,,', 'a,,,,S,,,S2,1,,,'], [[3, 'import.duplicate-variant']]],
    ['a row that says nothing', ['a,A,,Size,S,,,S1,1,,,', 'a,,,,,,,,,,,'], [[3, 'import.empty-row']]],
    ['an image that is no web address', ['a,A,,,,,,S1,1,,javascript:alert(1),'], [[2, 'import.bad-image']]],
    [
      'rows of one product apart',
      ['a,A,,Size,S,,,S1,1,,,', 'b,B,,,,,,S3,1,,,', 'a,,,,M,,,S2,1,,,', 'b,,,,,,,,,,https://i.test/1,'],
      [[4, 'import.scattered-product']],
    ],
    ['a NUL', ['a,A\0,,,,,,S1,1,,,'], [[2, 'import.bad-text']]],
  ]
  for (const [name, rows, expected] of cases)
    test(name, async () => {
      const { products, badRows } = await read([header, ...rows, 'good,Good,,,,,,OK,1,,,'])
      assert.deepEqual(faults(badRows), expected)
      assert.equal(products.at(-1)?.handle, 'good')
    })

  test('bytes that are not UTF-8 cost their row', async () => {
    const latin1 = Buffer.from(`Handle,Title,Variant Price\na,Caf\u00e9,1\nb,Tea,2\n`, 'latin1')
    const { products, badRows } = await readAll(Readable.from([latin1]))
    assert.deepEqual(
      products.map(({ handle }) => handle),
      ['b'],
    )
    assert.deepEqual(faults(badRows), [[2, 'import.bad-text']])
  })

  test('reasons carry nothing a terminal would obey', async () => {
    const { badRows } = await read([header, 'a,A,,,,,,S1,\u001b[31m\u009b5\u202e,,,'])
    assert.match(badRows[0]?.reason ?? '', /^[\x20-\x7e]+$/)
  })
})

describe('the file', () => {
  const refused = async (lines: readonly string[], code: string, message = /./) =>
    assert.rejects(() => read(lines), { name: 'ImportFileError', code, message })

  test('without needed columns is refused, with their names', () =>
    refused(['Handle,Body (HTML)', 'a,b'], 'import.missing-columns', /"title", "variant price" or "price"/))
  test('with another separator is refused with a hint', () =>
    refused(['Handle;Title;Variant Price', 'a;A;1'], 'import.missing-columns', /comma/))
  test('with the same column twice is refused', () =>
    refused(['Handle,Title,SKU,Variant SKU,Price'], 'import.duplicate-columns'))
  test('with nothing in it is refused', () => refused([''], 'import.empty-file'))
  test('with a header of open quotes is refused', () =>
    refused(['Handle,"Title,Price', 'a,b,c'], 'import.unreadable-header'))
  test('in UTF-16 is refused', async () => {
    const utf16 = Buffer.from('\uFEFFHandle,Title,Price\na,A,1\n', 'utf16le')
    await assert.rejects(() => readAll(Readable.from([utf16])), { code: 'import.not-utf8' })
  })
  test('with a header only has no products', async () => {
    assert.deepEqual(await read([header]), { products: [], badRows: [] })
  })
  test('that fails while being read passes the error on', async () => {
    const failing = async function* () {
      yield 'Handle,Title,Price\na,A,1\n'
      throw new Error('disk gone')
    }
    await assert.rejects(() => readAll(failing()), /disk gone/)
  })
  test('is closed when the reader stops early', { timeout: 5000 }, async () => {
    const closed = Promise.withResolvers<void>()
    const endless = async function* () {
      try {
        yield 'Handle,Title,Price\n'
        for (let number = 1; ; number += 1) yield `a${number},A,1\n`
      } finally {
        closed.resolve()
      }
    }
    for await (const _ of readShopifyProducts(endless())) break
    await closed.promise
  })
})

const realFile = fileURLToPath(new URL('../../../../../shared/data/apparel.csv', import.meta.url))
const skip = existsSync(realFile)
  ? false
  : 'NOT TESTED: the real Shopify export apparel.csv is not beside the repository'

test('a real Shopify export is read completely', { skip }, async () => {
  const { products, badRows } = await readAll(createReadStream(realFile))
  assert.deepEqual(badRows, [])
  const skus = skusOf({ products })
  assert.deepEqual([products.length, skus.length, new Set(skus).size], [20, 22, 22])
  const jacket = products.find(({ options }) => options.length === 1)
  assert.deepEqual(jacket?.options, [{ name: 'Size', values: ['Small', 'Medium', 'Large'] }])
  assert.equal(
    products.every(({ images, status }) => images.length === 1 && status === 'active'),
    true,
  )
  const withQuantity = products.flatMap(({ variants }) => variants).filter(({ quantity }) => quantity === 1)
  assert.equal(withQuantity.length, 22)
})

interface Outcome {
  readonly products: ParsedProduct[]
  readonly badRows: BadRow[]
}

async function readAll(source: TextSource, options?: { currency: string }): Promise<Outcome> {
  const outcome: Outcome = { products: [], badRows: [] }
  for await (const item of readShopifyProducts(source, options)) {
    if (item.kind === 'product') outcome.products.push(item)
    else outcome.badRows.push(item)
  }
  return outcome
}

const read = (lines: readonly string[], options?: { currency: string }) =>
  readAll(Readable.from([lines.join('\n')]), options)

const faults = (badRows: readonly BadRow[]) => badRows.map(({ line, code }) => [line, code])

const skusOf = ({ products }: Pick<Outcome, 'products'>) =>
  products.flatMap(({ variants }) => variants.map(({ sku }) => sku))
