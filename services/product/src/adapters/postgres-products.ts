import { isUuid } from '@micromart/kernel/ids'
import type { Product } from '../domain/product.ts'
import type { ProductBook, ProductShelf } from '../ports.ts'

const COLUMNS = `
  id, handle, title, description, vendor, product_type AS "productType", tags, status, options, images, version,
  created_at AS "createdAt", updated_at AS "updatedAt",
  (SELECT json_agg(json_strip_nulls(json_build_object(
      'sku', sku, 'title', variants.title, 'options', variants.options,
      'price', json_build_object('minor', price_minor, 'currency', currency),
      'compareAtPrice', CASE WHEN compare_at_minor IS NOT NULL THEN json_build_object('minor', compare_at_minor, 'currency', currency) END,
      'barcode', barcode, 'weightGrams', weight_grams, 'imageUrl', image_url)) ORDER BY position)
    FROM variants WHERE product_id = products.id) AS variants`
const FIND_BY_ID = `SELECT ${COLUMNS} FROM products WHERE id = $1`
const FIND_BY_HANDLE = `SELECT ${COLUMNS} FROM products WHERE handle = $1`
const BY_HANDLES = `SELECT ${COLUMNS} FROM products WHERE handle = ANY ($1::text[])`
const LIST = `
  SELECT ${COLUMNS} FROM products
  WHERE ($1::text IS NULL OR status = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`
// Ranked by each query on its own: in one, ts_rank takes a word and its prefix for the same operand and drops one of them.
const RANK = 'ts_rank(search, prefixes) + ts_rank(search, words)'
const SEARCH = `
  SELECT ${RANK} AS rank, ${COLUMNS}
  FROM products, to_tsquery('simple', $1) AS prefixes, to_tsquery('english', $2) AS words
  WHERE search @@ (prefixes || words) AND ($3::text IS NULL OR status = $3)
    AND ($4::real IS NULL OR (${RANK}, id) < ($4::real, $5::uuid))
  ORDER BY rank DESC, id DESC LIMIT $6`

const LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('catalogue', 0))`
const HANDLES = 'SELECT handle AS key, id FROM products WHERE handle = ANY ($1::text[])'
const SKUS = 'SELECT sku AS key, product_id AS id FROM variants WHERE sku = ANY ($1::text[])'

const INSERT = `
  INSERT INTO products
    (id, handle, title, description, vendor, product_type, tags, status, options, images, version, created_at, updated_at, keywords)
  SELECT id, handle, title, description, vendor, "productType", ARRAY(SELECT json_array_elements_text(tags)), status, options, images,
    version, "createdAt", "updatedAt", keywords
  FROM json_to_recordset($1::json) AS row (
    id uuid, handle text, title text, description text, vendor text, "productType" text, tags json, status text, options json,
    images json, version integer, "createdAt" timestamptz, "updatedAt" timestamptz, keywords text)`
const UPDATE = `
  UPDATE products SET
    handle = row.handle, title = row.title, description = row.description, vendor = row.vendor, product_type = row."productType",
    tags = ARRAY(SELECT json_array_elements_text(row.tags)), status = row.status, options = row.options, images = row.images,
    version = row.version, updated_at = row."updatedAt", keywords = row.keywords
  FROM json_to_recordset($1::json) AS row (
    id uuid, handle text, title text, description text, vendor text, "productType" text, tags json, status text, options json,
    images json, version integer, "updatedAt" timestamptz, keywords text)
  WHERE products.id = row.id`
const DELETE_VARIANTS = 'DELETE FROM variants WHERE product_id = ANY ($1::uuid[])'
const INSERT_VARIANTS = `
  INSERT INTO variants
    (sku, product_id, title, options, price_minor, currency, compare_at_minor, barcode, weight_grams, image_url, position)
  SELECT sku, "productId", title, options, (price ->> 'minor')::bigint, price ->> 'currency', ("compareAtPrice" ->> 'minor')::bigint,
    barcode, "weightGrams", "imageUrl", position
  FROM json_to_recordset($1::json) AS row (
    sku text, "productId" uuid, title text, options json, price json, "compareAtPrice" json, barcode text, "weightGrams" integer,
    "imageUrl" text, position integer)`

export const postgresProductShelf: ProductShelf = {
  async find(db, idOrHandle) {
    const [byId] = isUuid(idOrHandle) ? await db.query<Product>(FIND_BY_ID, [idOrHandle]) : []
    return byId ?? (await db.query<Product>(FIND_BY_HANDLE, [idOrHandle]))[0]
  },
  list: (db, { status, limit, before }) => db.query<Product>(LIST, [status ?? null, before ?? null, limit]),
  async search(db, { prefixes, words }, { status, limit, after }) {
    const values = [prefixes, words, status ?? null, after?.rank ?? null, after?.id ?? null, limit]
    const rows = await db.query<Product & { rank: number }>(SEARCH, values)
    return rows.map(({ rank, ...product }) => ({ rank, product }))
  },
}

export const postgresProductBook: ProductBook = {
  lock: async (tx) => void (await tx.query(LOCK)),
  byHandles: (tx, handles) => tx.query<Product>(BY_HANDLES, [handles]),
  async neighbours(tx, contents) {
    type Holder = { key: string; id: string }
    const handles = await tx.query<Holder>(HANDLES, [contents.map(({ handle }) => handle)])
    const skus = await tx.query<Holder>(SKUS, [contents.flatMap(({ variants }) => variants.map(({ sku }) => sku))])
    return {
      handles: new Map(handles.map(({ key, id }) => [key, id])),
      skus: new Map(skus.map(({ key, id }) => [key, id])),
    }
  },
  async save(tx, changes) {
    const created = changes.flatMap(({ outcome, product }) => (outcome === 'created' ? [product] : []))
    const updated = changes.flatMap(({ outcome, product }) => (outcome === 'updated' ? [product] : []))
    if (created.length > 0) await tx.execute(INSERT, [JSON.stringify(created.map(withKeywords))])
    if (updated.length > 0) {
      await tx.execute(UPDATE, [JSON.stringify(updated.map(withKeywords))])
      await tx.execute(DELETE_VARIANTS, [updated.map(({ id }) => id)])
    }
    const variants = [...created, ...updated].flatMap((product) =>
      product.variants.map((variant, position) => ({ ...variant, productId: product.id, position })),
    )
    if (variants.length > 0) await tx.execute(INSERT_VARIANTS, [JSON.stringify(variants)])
  },
}

/** With the longest description and the words of one character that cost most, a search index takes half as many again. */
const MOST_KEYWORD_CHARACTERS = 100_000

const withKeywords = ({ variants, ...product }: Product) => ({
  ...product,
  keywords: [
    ...variants.map(({ sku }) => sku),
    product.vendor ?? '',
    product.productType ?? '',
    ...product.tags,
    ...product.options.flatMap(({ values }) => values),
  ]
    .join(' ')
    .slice(0, MOST_KEYWORD_CHARACTERS)
    .toWellFormed(),
})
