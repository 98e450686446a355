import { Sku } from '@micromart/contracts/message'
import { type Money, parseDecimal } from '@micromart/kernel/money'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import { Compile } from 'typebox/compile'
import { type BadRowCode, quoted } from './import-problems.ts'
import type { Column } from './shopify-columns.ts'

/** A record of the file: `cell` gives the trimmed text of a column, empty where the file has no such column. */
export interface ProductRow {
  readonly line: number
  readonly handle: string
  cell(column: Column): string
}

/** A variant as its row states it; `sku` is empty when the file gives none. */
export interface StatedVariant {
  readonly sku: string
  readonly optionValues: readonly string[]
  readonly price: Money
  readonly compareAtPrice?: Money
  readonly barcode?: string
  readonly weightGrams?: number
  readonly quantity?: number
}

export type Fault = Refusal<BadRowCode>
type Read<T> = Result<T, Fault>

/** Option columns of the file, in order. */
export const optionColumns = [
  ['option1Name', 'option1Value'],
  ['option2Name', 'option2Value'],
  ['option3Name', 'option3Value'],
] as const satisfies readonly (readonly [Column, Column])[]

/** The value Shopify writes for a product that has no options. */
export const defaultTitle = 'Default Title'

const variantColumns: readonly Column[] = ['sku', 'price', 'option1Value', 'option2Value', 'option3Value']

/** Extra rows carry only an image; a row that prices, numbers or selects something is a variant. */
export const statesVariant = (row: ProductRow): boolean => variantColumns.some((column) => row.cell(column) !== '')

/** Reads one variant; the first fault refuses the row. */
export const variantFromRow = (
  row: ProductRow,
  optionNames: readonly string[],
  currency: string,
): Read<StatedVariant> => {
  const optionValues = readOptionValues(row, optionNames)
  if (!optionValues.ok) return optionValues
  const sku = readSku(row)
  if (!sku.ok) return sku
  const price = readPrice('price', row.cell('price'), currency)
  if (!price.ok) return price
  const compareAtPrice = optional(row.cell('compareAtPrice'), (text) => readPrice('compare-at price', text, currency))
  if (!compareAtPrice.ok) return compareAtPrice
  const weightGrams = optional(row.cell('weightGrams'), readGrams)
  if (!weightGrams.ok) return weightGrams
  const quantity = optional(row.cell('quantity'), readQuantity)
  if (!quantity.ok) return quantity
  const barcode = withoutTextMark(row.cell('barcode'))
  return ok({
    sku: sku.value,
    optionValues: optionValues.value,
    price: price.value,
    ...(compareAtPrice.value === undefined ? {} : { compareAtPrice: compareAtPrice.value }),
    ...(barcode === '' ? {} : { barcode }),
    ...(weightGrams.value === undefined ? {} : { weightGrams: weightGrams.value }),
    ...(quantity.value === undefined ? {} : { quantity: quantity.value }),
  })
}

const optional = <T>(text: string, read: (text: string) => Read<T>): Read<T | undefined> =>
  text === '' ? ok(undefined) : read(text)

const readOptionValues = (row: ProductRow, optionNames: readonly string[]): Read<readonly string[]> => {
  const values: string[] = []
  for (const [index, [nameColumn, valueColumn]] of optionColumns.entries()) {
    const name = optionNames[index]
    const [statedName, value] = [row.cell(nameColumn), row.cell(valueColumn)]
    if (name === undefined) {
      if (value !== '' && value !== defaultTitle)
        return refuse(
          'import.bad-options',
          `The value ${quoted(value)} belongs to option ${index + 1}, which has no name.`,
        )
      continue
    }
    if (statedName !== '' && statedName !== name)
      return refuse(
        'import.bad-options',
        `Option ${index + 1} is ${quoted(statedName)} here but ${quoted(name)} above.`,
      )
    if (value === '') return refuse('import.bad-options', `The option ${quoted(name)} has no value.`)
    values.push(value)
  }
  return ok(values)
}

const skuShape = Compile(Sku)

const readSku = (row: ProductRow): Read<string> => {
  const sku = withoutTextMark(row.cell('sku'))
  if (sku === '' || skuShape.Check(sku)) return ok(sku)
  return refuse(
    'import.bad-sku',
    `The SKU ${quoted(sku)} must start with a letter or digit and have at most 64 letters, digits or . _ / -`,
  )
}

const readPrice = (what: string, text: string, currency: string): Read<Money> => {
  if (text === '') return refuse('import.bad-price', `The ${what} is missing.`)
  const price = parseDecimal(text, currency)
  if (price.ok) return price
  return refuse('import.bad-price', `The ${what} ${quoted(text)} ${priceFaults[price.error.code] ?? 'is not usable'}.`)
}

const priceFaults: Readonly<Record<string, string>> = {
  'money.not-a-decimal': 'is not a plain amount such as 14.00',
  'money.too-precise': 'has more decimal places than the currency',
  'money.too-large': 'is too large to be counted exactly',
}

/** Up to nine digits: what every database and every spreadsheet holds exactly. */
const readQuantity = (text: string): Read<number> =>
  /^\d{1,9}$/.test(text)
    ? ok(Number(text))
    : refuse('import.bad-quantity', `The quantity ${quoted(text)} is not a whole number from 0 to 999999999.`)

/** Old exports write grams with decimals when the shop weighs in pounds: rounded to whole grams. */
const readGrams = (text: string): Read<number> =>
  /^\d{1,9}(\.\d{1,9})?$/.test(text)
    ? ok(Math.round(Number(text)))
    : refuse('import.bad-weight', `The weight ${quoted(text)} is not a number of grams.`)

/** Exports put an apostrophe before digits so that spreadsheets keep leading zeros. */
const withoutTextMark = (text: string): string => (/^'\d+$/.test(text) ? text.slice(1) : text)
