import type { Queryable } from '@micromart/postgres/database'
import type { Cart, CartLine } from '../domain/cart.ts'
import type { CouponTerms } from '../domain/coupon.ts'
import type { CartAndOrder, CartEndings, CartStore, OwnedCart } from '../ports.ts'
import { ownerColumns, ownerOf } from './owner-columns.ts'

interface Row {
  readonly id: string
  readonly version: number
  readonly status: Cart['status']
  readonly currency: string
  readonly lines: readonly CartLine[]
  readonly coupon: CouponTerms | null
  readonly orderId: string | null
  readonly customerId: string | null
  readonly guestTokenHash: string | null
}

const CREATE = `
  INSERT INTO carts (id, version, status, currency, lines, customer_id, guest_token_hash, created_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`
const FIND = `
  SELECT id, version, status, currency, lines, coupon, order_id AS "orderId", customer_id AS "customerId",
    guest_token_hash AS "guestTokenHash"
  FROM carts WHERE id = $1`
const LOCK = `${FIND} FOR UPDATE`
const SAVE = `
  UPDATE carts SET version = $2, status = $3, lines = $4, coupon = $5, order_id = $6, updated_at = $7 WHERE id = $1`

const ended = (statuses: string) => `
  SELECT carts.id FROM carts
  JOIN unnest($1::uuid[], $2::uuid[]) AS row (cart_id, order_id) ON carts.id = row.cart_id AND carts.order_id = row.order_id
  WHERE carts.status IN (${statuses}) ORDER BY carts.id FOR UPDATE OF carts`
const ORDERED = `
  WITH ended AS (${ended(`'checked-out'`)})
  UPDATE carts SET status = 'ordered', lines = '[]', coupon = NULL, version = version + 1, updated_at = $3
  FROM ended WHERE carts.id = ended.id`
// A cancellation may overtake its confirmation, so released is where every cart stays.
const RELEASED = `
  WITH ended AS (${ended(`'checked-out', 'ordered'`)})
  UPDATE carts SET status = 'released', version = version + 1, updated_at = $3
  FROM ended WHERE carts.id = ended.id`

const read = async (db: Queryable, sql: string, id: string): Promise<OwnedCart | undefined> => {
  const [row] = await db.query<Row>(sql, [id])
  return row && { cart: cartOf(row), owner: ownerOf(row) }
}

function cartOf({ id, version, status, currency, lines, coupon, orderId }: Row): Cart {
  const content = { id, version, currency, lines, coupon }
  if (status === 'open') return { ...content, status }
  if (orderId === null) throw new Error(`Cart ${id} is ${status} without an order`)
  return { ...content, status, orderId }
}

export const postgresCarts: CartStore = {
  async create(tx, { cart, owner }, at) {
    const { id, version, status, currency, lines } = cart
    tx.write(CREATE, [id, version, status, currency, JSON.stringify(lines), ...ownerColumns(owner), at])
  },
  find: (db, id) => read(db, FIND, id),
  lock: (tx, id) => read(tx, LOCK, id),
  async save(tx, cart, at) {
    const orderId = cart.status === 'open' ? null : cart.orderId
    const { id, version, status, lines, coupon } = cart
    tx.write(SAVE, [id, version, status, JSON.stringify(lines), coupon && JSON.stringify(coupon), orderId, at])
  },
}

const idsOf = (carts: readonly CartAndOrder[]) => [
  carts.map(({ cartId }) => cartId),
  carts.map(({ orderId }) => orderId),
]

export const postgresCartEndings: CartEndings = {
  ordered: async (tx, carts, at) => tx.write(ORDERED, [...idsOf(carts), at]),
  released: async (tx, carts, at) => tx.write(RELEASED, [...idsOf(carts), at]),
}
