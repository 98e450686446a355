import { ok, refuse } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { Movement, Note, StockBook, StockLevel } from '../ports.ts'

const FIND = 'SELECT sku, on_hand AS "onHand", reserved FROM stock WHERE sku = $1'
const ADJUST = `
  UPDATE stock SET on_hand = on_hand + $2 WHERE sku = $1 AND on_hand::bigint + $2 BETWEEN reserved AND 2147483647
  RETURNING sku, on_hand AS "onHand", reserved`
const CREATE =
  'INSERT INTO stock (sku, on_hand) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING sku, on_hand AS "onHand", reserved'
const OPEN = `
  INSERT INTO stock (sku, on_hand) SELECT sku, quantity FROM unnest($1::text[], $2::int[]) AS row (sku, quantity) ORDER BY sku
  ON CONFLICT DO NOTHING RETURNING sku, on_hand AS "onHand"`
const LOCK = 'SELECT sku, on_hand AS "onHand", reserved FROM stock WHERE sku = ANY ($1::text[]) ORDER BY sku FOR UPDATE'
const RECORD = `
  INSERT INTO movements (sku, kind, quantity, reason, actor, at)
  SELECT sku, $3, quantity, $4, $5, $6 FROM unnest($1::text[], $2::int[]) AS row (sku, quantity) WHERE quantity <> 0`

const MOVEMENTS = `
  SELECT id, kind, quantity, order_id AS "orderId", reason, actor, at FROM movements
  WHERE sku = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`

export const postgresStockBook: StockBook = {
  find: async (db, sku) => (await db.query<StockLevel>(FIND, [sku]))[0],

  movements: (db, sku, { before, limit }) => db.query<Movement>(MOVEMENTS, [sku, before ?? null, limit]),

  async adjust(tx, { sku, quantity }, note) {
    const [adjusted] = await tx.query<StockLevel>(ADJUST, [sku, quantity])
    const level = adjusted ?? (quantity > 0 ? (await tx.query<StockLevel>(CREATE, [sku, quantity]))[0] : undefined)
    if (!level)
      return (await this.find(tx, sku))
        ? refuse(
            'inventory.below-reserved',
            'That would leave fewer pieces than are promised to orders, or more than can be counted',
          )
        : refuse('inventory.unknown-sku', 'There is no stock record of this SKU; a positive quantity makes one')
    await record(tx, [{ sku, quantity }], { kind: 'adjustment', note })
    return ok(level)
  },

  async open(tx, { items, overwrite }, note) {
    const opened = await tx.query<{ sku: string; onHand: number }>(OPEN, [
      items.map(({ sku }) => sku),
      items.map(({ quantity }) => quantity),
    ])
    await record(
      tx,
      opened.map(({ sku, onHand }) => ({ sku, quantity: onHand })),
      { kind: 'opening', note },
    )
    const isNew = new Set(opened.map(({ sku }) => sku))
    const known = items.filter(({ sku }) => !isNew.has(sku))
    if (!overwrite || known.length === 0) return { set: opened.length, unchanged: known.length, refused: [] }
    const counted = await recount(tx, known, note)
    return { ...counted, set: opened.length + counted.set }
  },
}

async function recount(tx: Transaction, known: readonly { sku: string; quantity: number }[], note: Note) {
  const levels = new Map(
    (await tx.query<StockLevel>(LOCK, [known.map(({ sku }) => sku)])).map((level) => [level.sku, level]),
  )
  const refused = known.filter(({ sku, quantity }) => quantity < (levels.get(sku)?.reserved ?? 0))
  const changes = known
    .filter((item) => !refused.includes(item))
    .map(({ sku, quantity }) => ({ sku, quantity: quantity - (levels.get(sku)?.onHand ?? 0) }))
    .filter(({ quantity }) => quantity !== 0)
  for (const { sku, quantity } of changes) await tx.query(ADJUST, [sku, quantity])
  await record(tx, changes, { kind: 'adjustment', note })
  const detail = (sku: string) => `More pieces of ${sku} are promised to orders than that`
  return {
    set: changes.length,
    unchanged: known.length - changes.length - refused.length,
    refused: refused.map(({ sku }) => ({ sku, code: 'inventory.below-reserved', detail: detail(sku) })),
  }
}

const record = (
  tx: Transaction,
  rows: readonly { sku: string; quantity: number }[],
  { kind, note }: { kind: string; note: Note },
) =>
  tx.execute(RECORD, [
    rows.map(({ sku }) => sku),
    rows.map(({ quantity }) => quantity),
    kind,
    note.reason,
    note.actor,
    note.at,
  ])
