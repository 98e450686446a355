import { cancels } from './cancels.ts'
import { cartEdits } from './cart-edits.ts'
import { confirmAndWebhook } from './confirm-and-webhook.ts'
import { couponLimits } from './coupons.ts'
import { frozenPrice } from './frozen-price.ts'
import { killedInCheckout } from './killed.ts'
import { fiftyForTen, lastUnit, sharedItem } from './last-units.ts'
import { holdExpires } from './late-success.ts'
import { oneKey } from './one-key.ts'
import type { Race } from './race.ts'
import { stockAdjustments } from './stock-adjustments.ts'
import { strangers } from './strangers.ts'
import { forgedWebhook, webhookOfAnother, webhookThreeTimes } from './webhooks.ts'

/** Every fault that was reported of others in 2024 to 2026 and that this shop has to stand. */
export const races: readonly Race[] = [
  fiftyForTen,
  lastUnit,
  sharedItem,
  confirmAndWebhook,
  webhookThreeTimes,
  forgedWebhook,
  webhookOfAnother,
  killedInCheckout,
  holdExpires,
  couponLimits,
  strangers,
  oneKey,
  cartEdits,
  cancels,
  frozenPrice,
  stockAdjustments,
]
