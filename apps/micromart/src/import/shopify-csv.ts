import { type CsvRow, readCsvRows, type TextSource } from './csv-rows.ts'
import { type BadRow, type BadRowCode, ImportFileError, quoted } from './import-problems.ts'
import { type ParsedProduct, productFromRows } from './product-from-rows.ts'
import { type Column, type ColumnPositions, columnPositions } from './shopify-columns.ts'
import type { ProductRow } from './variant-from-row.ts'

type CellsRow = Extract<CsvRow, { kind: 'cells' }>
type UnreadableRow = Extract<CsvRow, { kind: 'unreadable' }>

/**
 * Reads Shopify's product CSV, old or new headers, as a stream: products in the file's order, each after the bad rows
 * found in it. Rows of one product must stand together; a row that comes after another product is a bad row. Memory
 * holds one product, plus every handle and SKU seen. `currency` is the ISO 4217 code of all prices, `USD` by default.
 * Throws ImportFileError when the file as a whole is unusable, and passes on errors of the source.
 */
export async function* readShopifyProducts(
  source: TextSource,
  { currency = 'USD' }: { readonly currency?: string } = {},
): AsyncGenerator<ParsedProduct | BadRow, void, undefined> {
  const productLines = new Map<string, number>()
  const skuLines = new Map<string, number>()
  let header: Header | undefined
  let group: [ProductRow, ...ProductRow[]] | undefined

  function* finishGroup() {
    if (!group) return
    const { product, badRows } = productFromRows(group, { currency, skuLines })
    yield* badRows
    if (product) yield product
  }

  for await (const row of readCsvRows(source)) {
    if (!header) {
      header = readHeader(row)
      continue
    }
    const read = readRow(row, header)
    if (read.kind === 'bad-row') {
      yield read
    } else if (group && group[0].handle === read.row.handle) {
      group.push(read.row)
    } else if (productLines.has(read.row.handle)) {
      yield scattered(read.row, productLines.get(read.row.handle))
    } else {
      yield* finishGroup()
      group = [read.row]
      productLines.set(read.row.handle, read.row.line)
    }
  }
  if (!header) throw new ImportFileError('import.empty-file', 'The file is empty.')
  yield* finishGroup()
}

interface Header {
  readonly width: number
  readonly positions: ColumnPositions
}

const readHeader = (row: CsvRow): Header => {
  if (row.kind === 'unreadable')
    throw new ImportFileError(
      'import.unreadable-header',
      `The header on line ${row.line} cannot be read: its quotes are not closed.`,
    )
  return { width: row.cells.length, positions: columnPositions(row.cells) }
}

type ReadRow = { readonly kind: 'row'; readonly row: ProductRow } | BadRow

const readRow = (row: CsvRow, header: Header): ReadRow =>
  row.kind === 'unreadable' ? unreadableRow(row) : readProductRow(row, header)

const readProductRow = ({ line, cells }: CellsRow, { width, positions }: Header): ReadRow => {
  const cell: ProductRow['cell'] = (column) => textOf(column, cells[positions.get(column) ?? -1] ?? '')
  const handle = cell('handle').toLowerCase()
  const bad = (code: BadRowCode, reason: string): BadRow =>
    handle === '' ? { kind: 'bad-row', line, code, reason } : { kind: 'bad-row', line, handle, code, reason }
  if (cells.length !== width)
    return bad('import.wrong-column-count', `The row has ${cells.length} columns, the header has ${width}.`)
  if (cells.some((text) => /[\0\uFFFD]/.test(text)))
    return bad('import.bad-text', 'The row has bytes that are not UTF-8 text: save the file again as "CSV UTF-8".')
  if (handle === '') return bad('import.missing-handle', 'The row has no handle, so its product is unknown.')
  if (!handleShape.test(handle))
    return bad('import.bad-handle', `The handle ${quoted(handle)} may have only letters, digits, - and _, at most 255.`)
  return { kind: 'row', row: { line, handle, cell } }
}

/** Only a description has lines; a line break in any other cell is a slip of the spreadsheet. */
const textOf = (column: Column, text: string): string =>
  (column === 'description' ? text : text.replace(/[\t\r\n\u2028\u2029]+/g, ' ')).trim()

const handleShape = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_-]{0,254}$/u

const scattered = ({ line, handle }: ProductRow, firstLine: number | undefined): BadRow => ({
  kind: 'bad-row',
  line,
  handle,
  code: 'import.scattered-product',
  reason: `The rows of ${quoted(handle)} began on line ${firstLine}, with another product between: move this row there.`,
})

const unreadableRow = ({ line, lastLine, fault }: UnreadableRow): BadRow => {
  const span = lastLine === undefined || lastLine <= line ? `Line ${line}` : `Lines ${line} to ${lastLine}`
  switch (fault) {
    case 'bad-quotes':
      return {
        kind: 'bad-row',
        line,
        code: 'import.bad-quotes',
        reason: `${span}: a quote stands where none may stand; write " inside a value as "".`,
      }
    case 'unclosed-quote':
      return {
        kind: 'bad-row',
        line,
        code: 'import.unclosed-quote',
        reason: `A quote opened in the row on line ${line} is never closed: the rest of the file is left out.`,
      }
    case 'record-too-long':
      return {
        kind: 'bad-row',
        line,
        code: 'import.record-too-long',
        reason: `The row on line ${line} is over 1 MiB, most likely by an unclosed quote: the rest of the file is left out.`,
      }
  }
}
