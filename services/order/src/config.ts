import { env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'

export const OrderConfig = Type.Object({
  ORDER_STOCK_TIMEOUT_MS: env.integer({
    default: 86_400_000,
    minimum: 1_000,
    description:
      'how long a placed order waits for inventory before it is cancelled, in ms; default a day, so that inventory may be down',
  }),
  ORDER_PAYMENT_TIMEOUT_MS: env.integer({
    default: 900_000,
    minimum: 1_000,
    description: 'how long an order waits for its payment before it is cancelled, in ms; default 15 minutes',
  }),
  ORDER_STREAMS_PER_CLIENT: env.integer({
    default: 10,
    minimum: 1,
    description: 'event streams that one client may have open at once at an instance',
  }),
  ORDER_STREAMS: env.integer({
    default: 2_000,
    minimum: 1,
    description: 'event streams that may be open at once at an instance',
  }),
})
export type OrderConfig = Static<typeof OrderConfig>
