import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { currencyExponent } from '@micromart/kernel/money'
import fc from 'fast-check'
import type { ParsedProduct } from './product-from-rows.ts'
import { readShopifyProducts } from './shopify-csv.ts'

type Draft = Omit<ParsedProduct, 'kind' | 'line' | 'variants'> & {
  readonly variants: readonly Omit<ParsedProduct['variants'][number], 'line'>[]
}

const currency = 'KWD'

test('whatever is written as a Shopify file is read back the same, but for line breaks outside of descriptions, with no bad row', async () => {
  await fc.assert(
    fc.asyncProperty(
      catalogue(),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.integer({ min: 1, max: 300 }),
      async (drafts, end, size) => {
        const bytes = Buffer.from(`\uFEFF${write(drafts).join(end)}${end}${end}`)
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        )
        assert.deepEqual(await readDrafts(pieces), drafts.map(onOneLine))
      },
    ),
    { numRuns: 200 },
  )
})

test('no text at all makes the reader throw anything but an ImportFileError', async () => {
  const noise = fc.array(fc.constantFrom('a', '1', ',', '"', '""', '\n', '\r', 'é', '\0', 'a,A,1\n', 'b,"B",2\n'), {
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(noise, async (tokens) => {
      for await (const item of readShopifyProducts(Readable.from([`Handle,Title,Price\n${tokens.join('')}`])))
        assert.ok(item.line >= 2 && item.line <= 2 + tokens.length)
    }),
    { numRuns: 300 },
  )
})

/** What a reader makes of a product: every text but the description on one line. */
const onOneLine = ({ description, ...others }: Draft): Draft => ({
  ...(JSON.parse(JSON.stringify(others).replaceAll(/(\\n)+/g, ' ')) as typeof others),
  description,
})

const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019'), minLength: 1, maxLength: 6 })
const text = fc
  .string({ unit: fc.constantFrom(...'ab ,"\n;<>/é€😀', '""', ',\n', '__proto__'), maxLength: 12 })
  .map((value) => value.trim())
const filled = text.map((value) => value || '-')
const address = fc.webUrl({ withQueryParameters: true })

const variantFields = fc.record(
  {
    price: fc.nat(),
    compareAtPrice: fc.nat(),
    barcode: word,
    weightGrams: fc.nat(999_999_999),
    imageUrl: address,
    quantity: fc.nat(999_999_999),
  },
  { requiredKeys: ['price'] },
)

const optionSets = fc.uniqueArray(filled, { maxLength: 3, selector: (name) => name.replace(/\n+/g, ' ').toLowerCase() })

/** Products with unique handles and SKUs; both are numbered, as their uniqueness is not what is tested here. */
const catalogue = (): fc.Arbitrary<Draft[]> =>
  fc.array(draftParts, { maxLength: 6 }).map((parts) => parts.map((part, index) => draft(part, `p-${index}`)))

const draftParts = fc.record({
  fields: fc.record(
    {
      title: filled,
      description: text,
      status: fc.constantFrom('active', 'draft', 'archived'),
      vendor: filled,
      productType: filled,
    },
    { requiredKeys: ['title', 'description', 'status'] },
  ),
  tags: fc.uniqueArray(word, { maxLength: 3 }),
  optionNames: optionSets,
  images: fc.uniqueArray(fc.record({ url: address, alt: filled }, { requiredKeys: ['url'] }), {
    maxLength: 4,
    selector: ({ url }) => url,
  }),
  variants: fc.array(variantFields, { minLength: 1, maxLength: 5 }),
  values: fc.array(fc.tuple(filled, filled, filled), { minLength: 5, maxLength: 5 }),
})

const draft = (parts: typeof draftParts extends fc.Arbitrary<infer T> ? T : never, handle: string): Draft => {
  const { fields, tags, optionNames, images } = parts
  const taken = optionNames.length === 0 ? parts.variants.slice(0, 1) : parts.variants
  const variants = taken.map(({ price, compareAtPrice, ...variant }, index) => {
    const values = optionNames.map((_, at) => `${parts.values[index]?.[at]}${at === 0 ? index : ''}`)
    return {
      ...variant,
      ...(compareAtPrice === undefined ? {} : { compareAtPrice: { minor: compareAtPrice, currency } }),
      price: { minor: price, currency },
      sku: `SKU-${handle}-${index}`,
      title: values.length === 0 ? 'Default Title' : values.join(' / '),
      options: Object.fromEntries(optionNames.map((name, at) => [name, values[at] ?? ''])),
    }
  })
  const options = optionNames.map((name) => ({
    name,
    values: [...new Set(variants.map((variant) => variant.options[name] ?? ''))],
  }))
  return {
    handle,
    ...fields,
    tags,
    options,
    images: images.map((image, index) => ({ ...image, position: index + 1 })),
    variants,
  }
}

/** The test's own writer: one row per variant, further rows for the images that are left over. */
const write = (drafts: readonly Draft[]): string[] => {
  const option = (number: number) => [`Option${number} Name`, `Option${number} Value`]
  const columns = ['Handle', 'Title', 'Body (HTML)', 'Vendor', 'Type', 'Tags', 'Status', ...[1, 2, 3].flatMap(option)]
  columns.push(
    'Variant SKU',
    'Variant Price',
    'Variant Compare At Price',
    'Variant Barcode',
    'Variant Grams',
    'Unknown',
  )
  columns.push('Variant Inventory Qty', 'Variant Image', 'Image Src', 'Image Alt Text', 'Image Position')
  const rows = drafts.flatMap((product) => rowsOf(product))
  return [columns.join(','), ...rows.map((row) => columns.map((column) => cell(row[column])).join(','))]
}

const rowsOf = (product: Draft): Record<string, string | number | undefined>[] => {
  const { handle, title, description, vendor, productType, tags, status, options, variants, images } = product
  const count = Math.max(variants.length, images.length)
  return Array.from({ length: count }, (_, index) => {
    const variant = variants[index]
    const image = images[index]
    const first = index === 0
    return {
      Handle: handle,
      ...(first && {
        Title: title,
        'Body (HTML)': description,
        Vendor: vendor,
        Type: productType,
        Tags: tags.join(', '),
        Status: status,
      }),
      ...(variant &&
        variantCells(
          variant,
          options.map(({ name }) => name),
          first,
        )),
      'Image Src': image?.url,
      'Image Alt Text': image?.alt,
      'Image Position': image?.position,
    }
  })
}

const variantCells = (variant: Draft['variants'][number], names: readonly string[], first: boolean) => ({
  ...(names.length === 0 && { 'Option1 Name': 'Title', 'Option1 Value': 'Default Title' }),
  ...Object.fromEntries(names.map((name, at) => [`Option${at + 1} Value`, variant.options[name]])),
  ...(first && Object.fromEntries(names.map((name, at) => [`Option${at + 1} Name`, name]))),
  'Variant SKU': variant.sku,
  'Variant Price': decimal(variant.price.minor),
  'Variant Compare At Price': variant.compareAtPrice && decimal(variant.compareAtPrice.minor),
  'Variant Barcode': variant.barcode,
  'Variant Grams': variant.weightGrams,
  'Variant Inventory Qty': variant.quantity,
  'Variant Image': variant.imageUrl,
})

const decimal = (minor: number): string => {
  const places = currencyExponent(currency)
  const digits = String(minor).padStart(places + 1, '0')
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`
}

const cell = (value: string | number | undefined): string => {
  const plain = String(value ?? '')
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

async function readDrafts(pieces: readonly Uint8Array[]): Promise<Draft[]> {
  const drafts: Draft[] = []
  for await (const item of readShopifyProducts(Readable.from(pieces), { currency })) {
    if (item.kind === 'bad-row') assert.fail(JSON.stringify(item))
    const { kind, line, variants, ...product } = item
    drafts.push({ ...product, variants: variants.map(({ line, ...variant }) => variant) })
  }
  return drafts
}
