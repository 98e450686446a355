import type { AnyTimerHandler } from '@micromart/postgres/timers'
import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { runReservations } from './adapters/postgres-reservations.ts'
import { postgresStockBook } from './adapters/postgres-stock.ts'
import type { InventoryConfig } from './config.ts'
import { inventoryRoutes } from './http/inventory-routes.ts'
import { HOLD_TIMER, inventorySubscription } from './messages/inventory-subscriptions.ts'

/** The inventory service on any parts: holds behind messages and timers, the stock book behind HTTP. */
export async function inventoryService({
  config,
  database,
  outbox,
  timers,
  write,
  audit,
  clock,
  http,
}: ServiceParts<InventoryConfig>): Promise<BuiltService> {
  inventoryRoutes(http, { stock: postgresStockBook, database, write, audit, clock })
  const expireHolds: AnyTimerHandler = {
    kind: HOLD_TIMER,
    settle: async (tx, done) => {
      const now = clock.now()
      await runReservations(
        tx,
        done.map(({ timer }) => ({ orderId: timer.subject, command: { type: 'Expire' } })),
        { now, expiresAt: now },
      )
    },
  }
  return {
    subscription: inventorySubscription({
      outbox,
      timers,
      clock,
      holdMs: config.INVENTORY_HOLD_MS,
      run: runReservations,
    }),
    timerHandlers: [expireHolds],
  }
}
