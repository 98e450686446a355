import type { Changed } from '@micromart/postgres/command-runner'
import type { Transaction } from '@micromart/postgres/database'
import type { Order } from '../domain/order.ts'

const UPSERT = `
  INSERT INTO order_view (order_id, customer_id, guest_token_hash, cart_id, status, reason, action_url, lines, total_minor,
    discount_minor, coupon_code, refunded_minor, currency, version, placed_at, updated_at)
  SELECT *, $15::timestamptz, $15::timestamptz
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::json[], $9::bigint[],
    $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::int[])
  ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, reason = excluded.reason, action_url = excluded.action_url,
    refunded_minor = excluded.refunded_minor, version = excluded.version, updated_at = excluded.updated_at`

/** Writes the rows that the GET routes read, in the transaction of the events. */
export async function projectOrders(tx: Transaction, changed: readonly Changed<Order>[]): Promise<void> {
  const rows = changed.flatMap(({ streamId, state, version }) =>
    state.status === 'none' ? [] : [{ orderId: streamId, order: state, version }],
  )
  const column = <T>(pick: (row: (typeof rows)[number]) => T) => rows.map(pick)
  tx.write(UPSERT, [
    column(({ orderId }) => orderId),
    column(({ order }) => order.purchase.customerId),
    column(({ order }) => order.purchase.guestTokenHash),
    column(({ order }) => order.purchase.cartId),
    column(({ order }) => order.status),
    column(({ order }) => ('reason' in order ? order.reason : null)),
    column(({ order }) => ('actionUrl' in order ? order.actionUrl : null)),
    column(({ order }) => JSON.stringify(order.purchase.lines)),
    column(({ order }) => order.purchase.total.minor),
    column(({ order }) => order.purchase.discount?.amount.minor ?? 0),
    column(({ order }) => order.purchase.discount?.couponCode ?? null),
    column(({ order }) => (order.status === 'refunded' ? order.amount.minor : 0)),
    column(({ order }) => order.purchase.total.currency),
    column(({ version }) => version),
    changed[0]?.at,
  ])
}
