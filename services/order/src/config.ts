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
})
export type OrderConfig = Static<typeof OrderConfig>
