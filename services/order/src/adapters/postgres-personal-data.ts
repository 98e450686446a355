import type { Database } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

const ORDERS = `
  SELECT order_id AS "orderId", status, reason, lines, total_minor::float8 AS "totalMinor", discount_minor::float8 AS "discountMinor",
    refunded_minor::float8 AS "refundedMinor", currency, placed_at AS "placedAt", updated_at AS "updatedAt"
  FROM order_view WHERE customer_id = $1 ORDER BY order_id`
const COUNT = 'SELECT count(*)::int AS rows FROM order_view WHERE customer_id = $1'

/** Orders know people by an id alone, so nothing here has to go. */
export const postgresPersonalData = (database: Database): PersonalDataStore => ({
  collect: async ({ userId }) => ({ orders: await database.query(ORDERS, [userId]) }),
  erase: async (tx, { userId }) => {
    const [orders] = await tx.query<{ rows: number }>(COUNT, [userId])
    const why = 'books must be kept; they hold an id and no name'
    return { erased: [], kept: [{ what: 'orders', rows: orders?.rows ?? 0, why }] }
  },
})
