import type { Database } from '@micromart/postgres/database'
import type { CartLine } from '../domain/cart.ts'
import type { CheckoutStore } from '../ports.ts'
import { ownerColumns, ownerOf } from './owner-columns.ts'

interface Row {
  readonly cartId: string
  readonly customerId: string | null
  readonly guestTokenHash: string | null
  readonly lines: readonly CartLine[]
  readonly totalMinor: string
  readonly discountMinor: string
  readonly couponCode: string | null
  readonly currency: string
  readonly paymentMethod: string
  readonly checkedOutAt: Date
}

interface ContactRow {
  readonly customerId: string | null
  readonly email: string | null
  readonly name: string
  readonly line1: string
  readonly line2: string | null
  readonly city: string
  readonly region: string | null
  readonly postalCode: string
  readonly country: string
}

const RECORD = `
  WITH checkout AS (
    INSERT INTO checkouts (order_id, cart_id, customer_id, guest_token_hash, lines, total_minor, discount_minor, coupon_code, currency,
      payment_method, checked_out_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  )
  INSERT INTO checkout_contacts (order_id, email, name, line1, line2, city, region, postal_code, country)
  VALUES ($1, $12, $13, $14, $15, $16, $17, $18, $19)`
const FIND = `
  SELECT cart_id AS "cartId", customer_id AS "customerId", guest_token_hash AS "guestTokenHash", lines,
    total_minor AS "totalMinor", discount_minor AS "discountMinor", coupon_code AS "couponCode", currency, payment_method AS "paymentMethod", checked_out_at AS "checkedOutAt"
  FROM checkouts WHERE order_id = $1`
const FIND_CONTACT = `
  SELECT customer_id AS "customerId", email, name, line1, line2, city, region, postal_code AS "postalCode", country
  FROM checkout_contacts JOIN checkouts USING (order_id) WHERE order_id = $1`

export const postgresCheckouts = (database: Database): CheckoutStore => ({
  async record(tx, { orderId, cartId, owner, lines, total, discount, ...checkout }, { email, address }) {
    const { name, line1, line2, city, region, postalCode, country } = address
    tx.write(RECORD, [
      orderId,
      cartId,
      ...ownerColumns(owner),
      JSON.stringify(lines),
      total.minor,
      discount?.amount.minor ?? 0,
      discount?.couponCode ?? null,
      total.currency,
      checkout.paymentMethod,
      checkout.checkedOutAt,
      email ?? null,
      name,
      line1,
      line2 ?? null,
      city,
      region ?? null,
      postalCode,
      country,
    ])
  },
  async find(orderId) {
    const [row] = await database.query<Row>(FIND, [orderId])
    if (!row) return undefined
    const { customerId, guestTokenHash, totalMinor, discountMinor, couponCode, currency, ...rest } = row
    const amountOf = (minor: string) => ({ minor: Number(minor), currency })
    return {
      ...rest,
      orderId,
      owner: ownerOf({ customerId, guestTokenHash }),
      total: amountOf(totalMinor),
      ...(couponCode === null ? {} : { discount: { couponCode, amount: amountOf(discountMinor) } }),
    }
  },
  async findContact(orderId) {
    const [row] = await database.query<ContactRow>(FIND_CONTACT, [orderId])
    if (!row) return undefined
    const { customerId, email, line2, region, ...rest } = row
    const address = { ...rest, ...(line2 === null ? {} : { line2 }), ...(region === null ? {} : { region }) }
    return { customerId, email: email ?? undefined, address }
  },
})
