import { ok } from '@micromart/kernel/result'
import type { Queryable } from '@micromart/postgres/database'
import { type Coupon, type CouponTerms, usableAt, usedBefore, usedUp } from '../domain/coupon.ts'
import type { CouponBook, CouponUses } from '../ports.ts'

interface Row {
  readonly code: string
  readonly kind: CouponTerms['kind']
  readonly percent: number
  readonly amountMinor: string
  readonly currency: string
  readonly mostUses: number | null
  readonly mostUsesPerCustomer: number | null
  readonly uses: number
  readonly startsAt: Date | null
  readonly endsAt: Date | null
  readonly createdAt: Date
  readonly version: number
}

const COLUMNS = `code, kind, percent, amount_minor AS "amountMinor", currency, most_uses AS "mostUses",
  most_uses_per_customer AS "mostUsesPerCustomer", uses, starts_at AS "startsAt", ends_at AS "endsAt", created_at AS "createdAt", version`
const ADD = `
  INSERT INTO coupons
    (code, kind, percent, amount_minor, currency, most_uses, most_uses_per_customer, starts_at, ends_at, created_at, version)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`
const FIND = `SELECT ${COLUMNS} FROM coupons WHERE code = $1`
const LOCK = `${FIND} FOR UPDATE`
const LIST = `
  SELECT ${COLUMNS} FROM coupons
  WHERE $1::timestamptz IS NULL OR (created_at, code) < ($1, $2::text) ORDER BY created_at DESC, code DESC LIMIT $3`
const MOST_BY_ONE = `
  SELECT coalesce(max(uses), 0)::int AS most
  FROM (SELECT count(*) AS uses FROM coupon_uses WHERE code = $1 AND given_back_at IS NULL GROUP BY customer) AS customers`
const SAVE = `
  UPDATE coupons SET most_uses = $2, most_uses_per_customer = $3, starts_at = $4, ends_at = $5, version = $6 WHERE code = $1`

const TAKE = `
  UPDATE coupons SET uses = uses + 1
  WHERE code = $1 AND (most_uses IS NULL OR uses < most_uses) AND (starts_at IS NULL OR starts_at <= $2)
    AND (ends_at IS NULL OR ends_at > $2)`
// Begun after TAKE has its row, so it sees what everybody who had the row before has written.
const NOTE = `
  INSERT INTO coupon_uses (order_id, code, customer, discount_minor, used_at)
  SELECT $1::uuid, code, $3::text, $4::bigint, $5::timestamptz FROM coupons
  WHERE code = $2 AND (most_uses_per_customer IS NULL OR most_uses_per_customer > (
    SELECT count(*) FROM coupon_uses WHERE code = $2 AND customer = $3 AND given_back_at IS NULL))`
const GIVE_BACK = `
  WITH given AS (
    UPDATE coupon_uses SET given_back_at = $2 WHERE order_id = ANY ($1::uuid[]) AND given_back_at IS NULL RETURNING code
  ), counted AS (
    SELECT code, count(*) AS uses FROM given GROUP BY code
  ), locked AS (
    SELECT code FROM coupons WHERE code IN (SELECT code FROM counted) ORDER BY code FOR UPDATE
  )
  UPDATE coupons SET uses = coupons.uses - counted.uses FROM counted JOIN locked USING (code) WHERE coupons.code = counted.code`

function couponOf({ code, kind, percent, amountMinor, currency, ...rest }: Row): Coupon {
  const terms: CouponTerms =
    kind === 'percent' ? { code, kind, percent } : { code, kind, amount: { minor: Number(amountMinor), currency } }
  return { ...rest, terms }
}

const find = async (db: Queryable, code: string) => (await db.query<Row>(FIND, [code])).map(couponOf)[0]

export const postgresCouponBook: CouponBook = {
  add: async (tx, { terms, ...coupon }) => {
    const added = await tx.execute(ADD, [
      terms.code,
      terms.kind,
      terms.kind === 'percent' ? terms.percent : null,
      terms.kind === 'amount' ? terms.amount.minor : null,
      terms.kind === 'amount' ? terms.amount.currency : null,
      coupon.mostUses,
      coupon.mostUsesPerCustomer,
      coupon.startsAt,
      coupon.endsAt,
      coupon.createdAt,
      coupon.version,
    ])
    return added === 1
  },
  find,
  list: async (db, { before, limit }) =>
    (await db.query<Row>(LIST, [before?.createdAt ?? null, before?.code ?? null, limit])).map(couponOf),
  async lock(tx, code) {
    const [coupon] = (await tx.query<Row>(LOCK, [code])).map(couponOf)
    if (!coupon) return undefined
    const [row] = await tx.query<{ most: number }>(MOST_BY_ONE, [code])
    return { coupon, mostByOneCustomer: row?.most ?? 0 }
  },
  async saveLimits(tx, { terms, mostUses, mostUsesPerCustomer, startsAt, endsAt, version }) {
    tx.write(SAVE, [terms.code, mostUses, mostUsesPerCustomer, startsAt, endsAt, version])
  },
}

export const postgresCouponUses: CouponUses = {
  async take(tx, { orderId, code, customer, discountMinor, usedAt }) {
    const [taken, noted] = await Promise.all([
      tx.execute(TAKE, [code, usedAt]),
      tx.execute(NOTE, [orderId, code, customer, discountMinor, usedAt]),
    ])
    if (taken === 0) {
      const found = usableAt(await find(tx, code), usedAt)
      return found.ok ? usedUp : found // given back in between: the next try will have it
    }
    return noted === 0 ? usedBefore : ok(undefined)
  },
  giveBack: async (tx, orderIds, at) => tx.write(GIVE_BACK, [orderIds, at]),
}
