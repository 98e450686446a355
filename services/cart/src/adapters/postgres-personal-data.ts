import type { Database } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

const CARTS = `
  SELECT id, status, currency, lines, coupon, created_at AS "createdAt", updated_at AS "updatedAt"
  FROM carts WHERE customer_id = $1 ORDER BY id`
const CHECKOUTS = `
  SELECT order_id AS "orderId", email, name, line1, line2, city, region, postal_code AS "postalCode", country,
    payment_method AS "paymentMethod", coupon_code AS "couponCode", checked_out_at AS "checkedOutAt"
  FROM checkouts LEFT JOIN checkout_contacts USING (order_id) WHERE customer_id = $1 ORDER BY order_id`
const ERASE_CARTS = `DELETE FROM carts WHERE customer_id = $1 AND status = 'open'`
const ERASE_CONTACTS =
  'DELETE FROM checkout_contacts USING checkouts WHERE checkout_contacts.order_id = checkouts.order_id AND customer_id = $1'
const COUNT_CHECKOUTS = 'SELECT count(*)::int AS rows FROM checkouts WHERE customer_id = $1'

/** Carts are erased, and where orders went; what was ordered stays without a name. */
export const postgresPersonalData = (database: Database): PersonalDataStore => ({
  collect: async ({ userId }) => ({
    carts: await database.query(CARTS, [userId]),
    checkouts: await database.query(CHECKOUTS, [userId]),
  }),
  erase: async (tx, { userId }) => {
    const erased = [
      { what: 'open carts', rows: await tx.execute(ERASE_CARTS, [userId]) },
      { what: 'delivery addresses of orders', rows: await tx.execute(ERASE_CONTACTS, [userId]) },
    ]
    const [checkouts] = await tx.query<{ rows: number }>(COUNT_CHECKOUTS, [userId])
    const why = 'books must be kept; they hold an id and no name'
    return { erased, kept: [{ what: 'what was checked out', rows: checkouts?.rows ?? 0, why }] }
  },
})
