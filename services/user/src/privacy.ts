import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import type { AccountLinks, MailThrottle } from './account-ports.ts'
import { grpcKeepers } from './adapters/grpc-keepers.ts'
import { postgresClosedAccounts } from './adapters/postgres-closed-accounts.ts'
import { postgresDataExports } from './adapters/postgres-data-exports.ts'
import { postgresErasures } from './adapters/postgres-erasures.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import type { CloseAccount } from './close-account.ts'
import { closedErasures } from './closed-erasure.ts'
import type { UserConfig } from './config.ts'
import { createDataExporting } from './data-export.ts'
import { createErasure } from './erasure.ts'
import { closedErasureRoutes } from './http/closed-erasure-routes.ts'
import type { Prove } from './http/own-account.ts'
import { privacyRoutes } from './http/privacy-routes.ts'
import type { MailLink } from './mail-links.ts'
import { userSubscription } from './messages/user-subscriptions.ts'
import type { OpenLink } from './open-link.ts'

/** What the shop knows about a person: collected for them, or forgotten everywhere. */
export function privacy(
  parts: ServiceParts<UserConfig>,
  given: {
    prove: Prove
    close: CloseAccount
    links: AccountLinks
    mailLink: MailLink
    mailThrottle: MailThrottle
    openLink: OpenLink
  },
): Required<Pick<BuiltService, 'subscription' | 'timerHandlers'>> {
  const { config, database, grpc, outbox, timers, clock, ids, write, http, audit } = parts
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
    ...{ erasures, keepers, own, outbox, timers, clock, ids, audit },
    afterMs: config.USER_ERASURE_AFTER_S * 1_000,
  })
  const closed = closedErasures({ ...parts, ...given, closed: postgresClosedAccounts, erasure })
  privacyRoutes(http, { ...given, exporting, exports, erasure, erasures, write, clock })
  closedErasureRoutes(http, { ...given, closed, write })
  return {
    subscription: userSubscription(erasure),
    timerHandlers: [...exporting.timers, erasure.timer, closed.mailErasureLinks],
  }
}
