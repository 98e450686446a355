import Type from 'typebox'
import { Instant, message, Uuid } from './message.ts'

/** Every line of the order is held until `expiresAt`. */
export const StockReserved = message(
  'micromart.inventory.reserved.v1',
  'orderId',
  Type.Object({ orderId: Uuid, expiresAt: Instant }),
)

const shortages = Type.Array(Type.Object({ sku: Type.String(), requested: Type.Integer(), available: Type.Integer() }))

/** No line of the order is held; `shortages` names the SKUs that lack. */
export const StockRejected = message(
  'micromart.inventory.rejected.v1',
  'orderId',
  Type.Object({ orderId: Uuid, shortages }),
)

/** The order was confirmed after its hold had run out and the pieces are gone: it cannot be served. */
export const StockCommitRefused = message(
  'micromart.inventory.commit-refused.v1',
  'orderId',
  Type.Object({ orderId: Uuid, shortages }),
)
