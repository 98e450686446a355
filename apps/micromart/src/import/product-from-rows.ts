import type { Money } from '@micromart/kernel/money'
import { deriveSku, distinctSku } from './derive-sku.ts'
import { type BadRow, quoted } from './import-problems.ts'
import { type ProductStatus, readFrame } from './product-frame.ts'
import { imageLink, imagesFromRows, type ParsedImage } from './product-images.ts'
import {
  defaultTitle,
  type Fault,
  type ProductRow,
  type StatedVariant,
  statesVariant,
  variantFromRow,
} from './variant-from-row.ts'

/** A variant with its SKU; `title` joins the option values with ` / `, or is `Default Title` when there are none. */
export interface ParsedVariant {
  readonly sku: string
  readonly title: string
  readonly options: Readonly<Record<string, string>>
  readonly price: Money
  readonly compareAtPrice?: Money
  readonly barcode?: string
  readonly weightGrams?: number
  readonly imageUrl?: string
  /** Pieces on hand; absent when the file does not say. */
  readonly quantity?: number
  readonly line: number
}

/** A product with at least one variant; `description` is HTML or plain text, not yet made safe to show. */
export interface ParsedProduct {
  readonly kind: 'product'
  readonly line: number
  readonly handle: string
  readonly title: string
  readonly description: string
  readonly vendor?: string
  readonly productType?: string
  readonly tags: readonly string[]
  readonly status: ProductStatus
  readonly options: readonly { readonly name: string; readonly values: readonly string[] }[]
  readonly images: readonly ParsedImage[]
  readonly variants: readonly ParsedVariant[]
}

interface ProductContext {
  /** ISO 4217 code of every price in the file. */
  readonly currency: string
  /** The line that took each SKU so far; the new product's SKUs are added. */
  readonly skuLines: Map<string, number>
}

type Report = (row: ProductRow, fault: Fault) => void
type NumberedVariant = StatedVariant & { readonly row: ProductRow; readonly options: Readonly<Record<string, string>> }

/** One product from its adjacent rows. Faulty rows are reported and left out; without a title or any variant there is no product. */
export const productFromRows = (
  rows: readonly [ProductRow, ...ProductRow[]],
  context: ProductContext,
): { readonly product?: ParsedProduct; readonly badRows: readonly BadRow[] } => {
  const [first] = rows
  const badRows: BadRow[] = []
  const report: Report = (row, { code, detail }) => {
    badRows.push({ kind: 'bad-row', line: row.line, handle: row.handle, code, reason: detail })
  }
  const frame = readFrame(rows)
  if (!frame.ok) {
    report(first, frame.error)
    return { badRows }
  }
  const { optionNames, ...fields } = frame.value
  const stated = readVariants(rows, { optionNames, currency: context.currency, report })
  const variants = claimSkus(stated, context.skuLines, report).map((variant) => finishVariant(variant, report))
  const images = imagesFromRows(rows, report)
  badRows.sort((a, b) => a.line - b.line)
  if (variants.length === 0) return { badRows }
  const options = optionNames.map((name) => ({
    name,
    values: distinct(variants.map(({ options }) => options[name] ?? '')),
  }))
  return {
    product: { kind: 'product', line: first.line, handle: first.handle, ...fields, options, images, variants },
    badRows,
  }
}

/** A file may give the product a row of its own and the variants theirs; with no variant at all, the first row is at fault. */
const variantRows = (rows: readonly ProductRow[], report: Report): readonly ProductRow[] => {
  for (const row of rows.slice(1))
    if (!statesVariant(row) && row.cell('imageUrl') === '')
      report(row, { code: 'import.empty-row', detail: 'The row has neither a variant nor an image.' })
  const stated = rows.filter(statesVariant)
  return stated.length > 0 ? stated : rows.slice(0, 1)
}

const readVariants = (
  rows: readonly ProductRow[],
  { optionNames, currency, report }: { optionNames: readonly string[]; currency: string; report: Report },
): NumberedVariant[] => {
  const variants: NumberedVariant[] = []
  const lineOfChoice = new Map<string, number>()
  for (const row of variantRows(rows, report)) {
    const variant = variantFromRow(row, optionNames, currency)
    if (!variant.ok) {
      report(row, variant.error)
      continue
    }
    const choice = JSON.stringify(variant.value.optionValues)
    const earlier = lineOfChoice.get(choice)
    if (earlier !== undefined) {
      report(row, {
        code: 'import.duplicate-variant',
        detail: `Line ${earlier} has the same option values for this product.`,
      })
      continue
    }
    lineOfChoice.set(choice, row.line)
    const options = Object.fromEntries(optionNames.map((name, at) => [name, variant.value.optionValues[at] ?? '']))
    variants.push({ ...variant.value, row, options })
  }
  return variants
}

/** Stated SKUs take their places first, so that a derived one never pushes a stated one of the same product out. */
const claimSkus = (
  variants: readonly NumberedVariant[],
  skuLines: Map<string, number>,
  report: Report,
): NumberedVariant[] => {
  const skus = new Map<NumberedVariant, string>()
  const claim = (variant: NumberedVariant, candidates: readonly string[]) => {
    const sku = candidates.find((candidate) => !skuLines.has(candidate))
    if (sku === undefined) {
      const taken = candidates[0] ?? ''
      report(variant.row, {
        code: 'import.duplicate-sku',
        detail: `The SKU ${quoted(taken)} is already taken by line ${skuLines.get(taken)}.`,
      })
      return
    }
    skuLines.set(sku, variant.row.line)
    skus.set(variant, sku)
  }
  for (const variant of variants) if (variant.sku !== '') claim(variant, [variant.sku])
  for (const variant of variants) {
    const { handle } = variant.row
    if (variant.sku === '')
      claim(variant, [deriveSku(handle, variant.optionValues), distinctSku(handle, variant.optionValues)])
  }
  return variants.flatMap((variant) => {
    const sku = skus.get(variant)
    return sku === undefined ? [] : [{ ...variant, sku }]
  })
}

const finishVariant = ({ row, optionValues, ...stated }: NumberedVariant, report: Report): ParsedVariant => {
  const image = imageLink(row.cell('variantImageUrl'))
  if (!image.ok) report(row, image.error)
  return {
    ...stated,
    title: optionValues.length === 0 ? defaultTitle : optionValues.join(' / '),
    ...(image.ok && image.value !== undefined ? { imageUrl: image.value } : {}),
    line: row.line,
  }
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)]
