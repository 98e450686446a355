import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { grpcKeepers } from './adapters/grpc-keepers.ts'
import { postgresDataExports } from './adapters/postgres-data-exports.ts'
import { postgresErasures } from './adapters/postgres-erasures.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import type { CloseAccount } from './close-account.ts'
import type { UserConfig } from './config.ts'
import { createDataExporting } from './data-export.ts'
import { createErasure } from './erasure.ts'
import type { Prove } from './http/own-account.ts'
import { privacyRoutes } from './http/privacy-routes.ts'
import { userSubscription } from './messages/user-subscriptions.ts'

/** What the shop knows about a person: collected for them, or forgotten everywhere. */
export function privacy(
  parts: ServiceParts<UserConfig>,
  { prove, close }: { prove: Prove; close: CloseAccount },
): Required<Pick<BuiltService, 'subscription' | 'timerHandlers'>> {
  const { config, database, grpc, outbox, timers, clock, ids, write, http } = parts
  const own = postgresPersonalData(database)
  const keepers = grpcKeepers({
    grpc,
    urls: {
      cart: config.CART_GRPC_URL,
      order: config.ORDER_GRPC_URL,
      payment: config.PAYMENT_GRPC_URL,
      notification: config.NOTIFICATION_GRPC_URL,
    },
  })
  const exports = postgresDataExports(database)
  const exporting = createDataExporting({ exports, keepers, own, timers, clock, ids })
  const erasures = postgresErasures(database)
  const erasure = createErasure({
    ...{ erasures, keepers, own, outbox, timers, clock, ids },
    afterMs: config.USER_ERASURE_AFTER_S * 1_000,
  })
  privacyRoutes(http, { exporting, exports, erasure, erasures, write, clock, prove, close })
  return { subscription: userSubscription(erasure), timerHandlers: [...exporting.timers, erasure.timer] }
}
