import { ImportFileError, quoted } from './import-problems.ts'

/** Every column that is read, with its names in old and new exports, in lower case. All other columns are ignored. */
const columnNames = {
  handle: ['handle', 'url handle'],
  title: ['title'],
  description: ['body (html)', 'description'],
  vendor: ['vendor'],
  productType: ['type', 'custom product type'],
  tags: ['tags'],
  status: ['status'],
  published: ['published', 'published on online store'],
  option1Name: ['option1 name'],
  option1Value: ['option1 value'],
  option2Name: ['option2 name'],
  option2Value: ['option2 value'],
  option3Name: ['option3 name'],
  option3Value: ['option3 value'],
  sku: ['variant sku', 'sku'],
  price: ['variant price', 'price'],
  compareAtPrice: ['variant compare at price', 'compare-at price', 'compare at price'],
  barcode: ['variant barcode', 'barcode', 'variant barcodes', 'barcodes'],
  weightGrams: ['variant grams', 'weight value (grams)'],
  quantity: ['variant inventory qty', 'inventory quantity'],
  imageUrl: ['image src', 'product image url'],
  imagePosition: ['image position'],
  imageAlt: ['image alt text'],
  variantImageUrl: ['variant image', 'variant image url'],
} as const satisfies Record<string, readonly string[]>

export type Column = keyof typeof columnNames

const requiredColumns: readonly Column[] = ['handle', 'title', 'price']

const columnByName = new Map<string, Column>(
  Object.entries(columnNames).flatMap(([column, names]) => names.map((name) => [name, column as Column] as const)),
)

/** Where each known column stands in this file. */
export type ColumnPositions = ReadonlyMap<Column, number>

/** Reads the header line; throws ImportFileError when the file cannot be a product export. */
export const columnPositions = (header: readonly string[]): ColumnPositions => {
  if (header.some((name) => /[\0\uFFFD]/.test(name)))
    throw new ImportFileError('import.not-utf8', 'The file is not UTF-8 text: save it again as "CSV UTF-8".')
  const positions = new Map<Column, number>()
  for (const [position, name] of header.entries()) {
    const column = columnByName.get(normalised(name))
    if (!column) continue
    const earlier = positions.get(column)
    if (earlier !== undefined) throw duplicateColumns(header[earlier] ?? '', name)
    positions.set(column, position)
  }
  const missing = requiredColumns.filter((column) => !positions.has(column))
  if (missing.length > 0) throw missingColumns(missing, header)
  return positions
}

const normalised = (name: string): string => name.trim().toLowerCase().replace(/\s+/g, ' ')

const duplicateColumns = (one: string, other: string): ImportFileError =>
  new ImportFileError(
    'import.duplicate-columns',
    `The columns ${quoted(one)} and ${quoted(other)} mean the same: keep one of them.`,
  )

const missingColumns = (missing: readonly Column[], header: readonly string[]): ImportFileError => {
  const wanted = missing.map((column) => columnNames[column].map((name) => `"${name}"`).join(' or ')).join(', ')
  const hint = header.length === 1 ? ' The header is a single column: the separator must be a comma.' : ''
  return new ImportFileError('import.missing-columns', `The header lacks the column ${wanted}.${hint}`)
}
