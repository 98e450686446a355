import type { Database } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

const PAYMENTS = `
  SELECT order_id AS "orderId", status, amount_minor::float8 AS "amountMinor", currency, method, reference, reason, created_at AS "createdAt",
    updated_at AS "updatedAt"
  FROM payments WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id`
const COUNT = 'SELECT count(*)::int AS rows FROM payments WHERE order_id = ANY ($1::uuid[])'

/** Payments belong to orders and name nobody. */
export const postgresPersonalData = (database: Database): PersonalDataStore => ({
  collect: async ({ orderIds }) => ({ payments: await database.query(PAYMENTS, [orderIds]) }),
  erase: async (tx, { orderIds }) => {
    const [payments] = await tx.query<{ rows: number }>(COUNT, [orderIds])
    const why = 'the ledger must be kept; it holds no name and no card'
    return { erased: [], kept: [{ what: 'payments and their ledger entries', rows: payments?.rows ?? 0, why }] }
  },
})
