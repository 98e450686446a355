import type { Database } from '@micromart/postgres/database'
import type { VariantsOnSale } from '../ports.ts'

interface Row {
  readonly sku: string
  readonly productId: string
  readonly productTitle: string
  readonly title: string
  readonly priceMinor: string
  readonly currency: string
}

const FIND = `
  SELECT sku, product_id AS "productId", products.title AS "productTitle", variants.title, price_minor AS "priceMinor", currency
  FROM variants JOIN products ON products.id = product_id
  WHERE sku = ANY ($1::text[]) AND status = 'active'`

export const postgresVariantsOnSale = (database: Database): VariantsOnSale => ({
  find: async (skus) =>
    (await database.query<Row>(FIND, [skus])).map(({ priceMinor, currency, ...row }) => ({
      ...row,
      price: { minor: Number(priceMinor), currency },
    })),
})
