import { ok, type Result, refuse } from '@micromart/kernel/result'
import { quoted } from './import-problems.ts'
import type { Column } from './shopify-columns.ts'
import { defaultTitle, type Fault, optionColumns, type ProductRow } from './variant-from-row.ts'

export type ProductStatus = 'active' | 'draft' | 'archived'

/** What belongs to the product and not to one of its variants. */
interface ProductFrame {
  readonly title: string
  readonly description: string
  readonly vendor?: string
  readonly productType?: string
  readonly tags: readonly string[]
  readonly status: ProductStatus
  /** Empty for a product that is sold in one form only. */
  readonly optionNames: readonly string[]
}

/** What the rows say of the product as a whole: each field's first non-empty cell. */
export const readFrame = (rows: readonly ProductRow[]): Result<ProductFrame, Fault> => {
  const stated = (column: Column) => rows.map((row) => row.cell(column)).find((text) => text !== '') ?? ''
  const title = stated('title')
  if (title === '')
    return refuse('import.missing-title', `No row of this product has a title; ${rowCount(rows)} left out.`)
  const status = readStatus(stated('status'), stated('published'))
  if (!status.ok) return status
  const optionNames = readOptionNames(rows)
  if (!optionNames.ok) return optionNames
  const [vendor, productType] = [stated('vendor'), stated('productType')]
  return ok({
    title,
    description: stated('description'),
    ...(vendor === '' ? {} : { vendor }),
    ...(productType === '' ? {} : { productType }),
    tags: readTags(stated('tags')),
    status: status.value,
    optionNames: optionNames.value,
  })
}

const rowCount = ({ length }: readonly unknown[]): string =>
  length === 1 ? 'its one row is' : `its ${length} rows are`

/** Unlisted products are on sale only to who knows the link, so they are not put on public lists here. */
const statuses: Readonly<Record<string, ProductStatus>> = {
  active: 'active',
  draft: 'draft',
  archived: 'archived',
  unlisted: 'draft',
}
const publishedStatuses: Readonly<Record<string, ProductStatus>> = { true: 'active', false: 'draft' }

/** The Status column decides; without it Published does; without both the product is on sale, as in Shopify. */
const readStatus = (status: string, published: string): Result<ProductStatus, Fault> => {
  if (status === '' && published === '') return ok('active')
  const [text, known] = status === '' ? [published, publishedStatuses] : [status, statuses]
  const key = text.toLowerCase()
  const found = Object.hasOwn(known, key) ? known[key] : undefined
  return found
    ? ok(found)
    : refuse('import.bad-status', `The status ${quoted(text)} is none of ${Object.keys(known).join(', ')}.`)
}

const readOptionNames = (rows: readonly ProductRow[]): Result<readonly string[], Fault> => {
  const stated = optionColumns.map(([name]) => rows.map((row) => row.cell(name)).find((text) => text !== '') ?? '')
  if (isDefaultTitle(rows, stated)) return ok([])
  const names = stated.filter((name) => name !== '')
  if (stated.slice(0, names.length).includes(''))
    return refuse('import.bad-options', 'An option has a name, but the option before it has none.')
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
    return refuse('import.bad-options', `Two options have the same name: ${names.map(quoted).join(', ')}.`)
  return ok(names)
}

const isDefaultTitle = (rows: readonly ProductRow[], [first, ...others]: readonly string[]): boolean =>
  first?.toLowerCase() === 'title' &&
  others.every((name) => name === '') &&
  rows.every((row) => ['', defaultTitle].includes(row.cell('option1Value')))

const readTags = (text: string): string[] =>
  [...new Set(text.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '')
