import { env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'

export const InventoryConfig = Type.Object({
  INVENTORY_HOLD_MS: env.integer({
    default: 1_200_000,
    minimum: 1_000,
    description:
      "how long stock is held for an unpaid order, in ms; default 20 minutes, longer than the order's payment time-out",
  }),
})
export type InventoryConfig = Static<typeof InventoryConfig>
