import { eraseWhenAsked, personalDataQueries } from '@micromart/service-kit/personal-data'
import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { bothOf, subscription } from '@micromart/service-kit/subscription'
import { postgresPayments, postgresPaymentViews, postgresProviderEvents } from './adapters/postgres-payments.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import { sandboxWebhookReader } from './adapters/sandbox/sandbox-event.ts'
import { openSandbox } from './adapters/sandbox/sandbox-provider.ts'
import type { PaymentConfig } from './config.ts'
import { paymentRoutes } from './http/payment-routes.ts'
import { sandboxActionRoutes } from './http/sandbox-action-routes.ts'
import { webhookRoutes } from './http/webhook-routes.ts'
import { paymentSubscription } from './messages/payment-subscription.ts'
import { providerSteps } from './provider-steps.ts'
import { paymentRunner } from './run-payments.ts'

/** The payment service on any parts: what orders say, what the provider answers and what it tells unasked meet in one runner. */
export async function paymentService(parts: ServiceParts<PaymentConfig>): Promise<BuiltService> {
  const { config, database, outbox, timers, write, clock, ids, log, http, openDatabase } = parts
  const sandbox = await openSandbox({
    openDatabase,
    databaseUrl: config.SANDBOX_DATABASE_URL,
    webhookUrl: `${config.SELF_URL}/api/v1/payments/webhooks/sandbox`,
    webhookSecret: config.SANDBOX_WEBHOOK_SECRET,
    actionsUrl: `${config.PUBLIC_URL}/api/v1/payments/sandbox/actions/`,
    slowMs: config.SANDBOX_SLOW_MS,
    lateMs: config.SANDBOX_LATE_MS,
    clock,
    ids,
    log,
  })
  const run = paymentRunner({
    store: postgresPayments({ ids }),
    outbox,
    timers,
    clock,
    reconcileMs: config.PAYMENT_RECONCILE_MS,
  })
  paymentRoutes(http, { views: postgresPaymentViews(database) })
  await webhookRoutes(http, {
    read: sandboxWebhookReader({ secret: config.SANDBOX_WEBHOOK_SECRET, clock }),
    events: postgresProviderEvents,
    run,
    write,
    clock,
  })
  await sandboxActionRoutes(http, sandbox.actions)
  if (config.MICROMART_ENV === 'production')
    log.warn('the sandbox plays the payment provider: no real money moves, and anyone can pay with it')
  const data = postgresPersonalData(database)
  return {
    subscription: bothOf(paymentSubscription(run, ids), subscription(eraseWhenAsked('payment', { data, outbox }))),
    queries: personalDataQueries(data),
    timerHandlers: providerSteps(sandbox.provider, run),
    close: () => sandbox.close(),
  }
}
