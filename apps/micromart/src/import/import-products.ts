import type { Readable } from 'node:stream'
import { callApi } from './api-client.ts'
import type { BadRow } from './import-problems.ts'
import type { ParsedProduct } from './product-from-rows.ts'
import { readShopifyProducts } from './shopify-csv.ts'

export interface ImportReport {
  created: number
  updated: number
  unchanged: number
  /** Products whose stock was set for the first time count per SKU. */
  stocked: number
  readonly bad: { readonly line: number; readonly code: string; readonly reason: string }[]
}

export interface ImportOptions {
  readonly source: Readable
  readonly url: string
  readonly token: string
  readonly currency: string
  /** Sets stock that is known already as well. */
  readonly overwriteStock?: boolean
  readonly onProgress?: (report: ImportReport) => void
}

interface ProductOutcome {
  readonly handle: string
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'refused'
  readonly code?: string
  readonly detail?: string
}

const BATCH = 50

/** Reads Shopify's CSV as a stream and brings it in in batches; what is there already is brought up to date, so it can be repeated. */
export async function importProducts(options: ImportOptions): Promise<ImportReport> {
  const report: ImportReport = { created: 0, updated: 0, unchanged: 0, stocked: 0, bad: [] }
  let batch: ParsedProduct[] = []
  const flush = async () => {
    if (batch.length > 0) await importBatch(batch, options, report)
    batch = []
    options.onProgress?.(report)
  }
  for await (const row of readShopifyProducts(options.source, { currency: options.currency })) {
    if (row.kind === 'bad-row') report.bad.push(badRow(row))
    else batch.push(row)
    if (batch.length === BATCH) await flush()
  }
  await flush()
  return report
}

const badRow = ({ line, code, reason }: BadRow) => ({ line, code, reason })

async function importBatch(batch: readonly ParsedProduct[], options: ImportOptions, report: ImportReport) {
  const { url, token } = options
  const answer = await callApi<{ results: readonly ProductOutcome[] }>(url, {
    method: 'POST',
    path: '/api/v1/products/import',
    token,
    body: { products: batch.map(productBody) },
  })
  const refused = new Set<string>()
  for (const { handle, outcome, code, detail } of answer.results) {
    if (outcome !== 'refused') report[outcome] += 1
    else {
      refused.add(handle)
      const line = batch.find((product) => product.handle === handle)?.line ?? 0
      report.bad.push({ line, code: code ?? 'import.refused', reason: detail ?? 'The catalogue refused it' })
    }
  }
  await importStock(
    batch.filter(({ handle }) => !refused.has(handle)),
    options,
    report,
  )
}

async function importStock(products: readonly ParsedProduct[], options: ImportOptions, report: ImportReport) {
  const lines = new Map(products.flatMap(({ variants }) => variants.map(({ sku, line }) => [sku, line] as const)))
  const items = products.flatMap(({ variants }) =>
    variants.flatMap(({ sku, quantity }) => (quantity === undefined ? [] : [{ sku, quantity }])),
  )
  for (let from = 0; from < items.length; from += 1_000) {
    const answer = await callApi<{ set: number; refused: readonly { sku: string; code: string; detail: string }[] }>(
      options.url,
      {
        method: 'POST',
        path: '/api/v1/inventory/opening-stock',
        token: options.token,
        body: { items: items.slice(from, from + 1_000), overwrite: options.overwriteStock ?? false },
      },
    )
    report.stocked += answer.set
    for (const { sku, code, detail } of answer.refused)
      report.bad.push({ line: lines.get(sku) ?? 0, code, reason: detail })
  }
}

/** The product as the API takes it: without where it stood in the file. */
function productBody({ kind: _, line: __, variants, ...product }: ParsedProduct) {
  return { ...product, variants: variants.map(({ line: ___, quantity: ____, ...variant }) => variant) }
}
