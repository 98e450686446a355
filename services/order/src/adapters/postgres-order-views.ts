import type { OrderedLine } from '@micromart/contracts/message'
import type { Database } from '@micromart/postgres/database'
import { readStreams, readStreamsAfter } from '@micromart/postgres/event-log'
import { traceIdOf } from '@micromart/telemetry/context'
import type { OrderEvent } from '../domain/order.ts'
import type { OrderSteps, OrderView, OrderViews } from '../ports.ts'

type Row = Omit<OrderView, 'total' | 'discount' | 'refundedMinor' | 'lines'> & {
  readonly lines: readonly OrderedLine[]
  readonly totalMinor: string
  readonly discountMinor: string
  readonly couponCode: string | null
  readonly refundedMinor: string
  readonly currency: string
}

const SELECT = `
  SELECT order_id AS "orderId", customer_id AS "customerId", guest_token_hash AS "guestTokenHash", status, reason,
    action_url AS "actionUrl", lines, total_minor AS "totalMinor", discount_minor AS "discountMinor", coupon_code AS "couponCode", refunded_minor AS "refundedMinor", currency,
    placed_at AS "placedAt", updated_at AS "updatedAt"
  FROM order_view`

const viewOf = ({ totalMinor, discountMinor, couponCode, refundedMinor, currency, ...row }: Row): OrderView => ({
  ...row,
  total: { minor: Number(totalMinor), currency },
  discount: couponCode === null ? null : { couponCode, amount: { minor: Number(discountMinor), currency } },
  refundedMinor: Number(refundedMinor),
})

export const postgresOrderViews = (database: Database): OrderViews => ({
  find: async (orderId) => (await database.query<Row>(`${SELECT} WHERE order_id = $1`, [orderId])).map(viewOf)[0],
  listFor: async (customerId, { before, limit }) =>
    (
      await database.query<Row>(
        `${SELECT} WHERE customer_id = $1 AND ($2::uuid IS NULL OR order_id < $2) ORDER BY order_id DESC LIMIT $3`,
        [customerId, before ?? null, limit],
      )
    ).map(viewOf),
  timeline: async (orderId) => {
    const streams = await readStreams<OrderEvent>(database, [orderId])
    return (streams.get(orderId) ?? []).map(
      ({ version, event: { type, ...data }, at, causationId, correlationId, traceparent }) => ({
        version,
        type,
        data,
        at,
        causationId,
        correlationId,
        traceId: traceIdOf(traceparent) ?? null,
      }),
    )
  },
})

export const postgresOrderSteps = (database: Database): OrderSteps => ({
  after: (versions) => readStreamsAfter<OrderEvent>(database, versions),
})
