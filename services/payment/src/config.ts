import { env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'

export const PaymentConfig = Type.Object({
  PAYMENT_RECONCILE_MS: env.integer({
    default: 30_000,
    minimum: 100,
    description: 'how often the provider is asked what became of an undecided payment, in ms',
  }),
  SANDBOX_DATABASE_URL: env.secret({
    description: "postgres://user:password@host:port/database of the sandbox provider, apart from payment's own",
  }),
  SANDBOX_WEBHOOK_SECRET: env.secret({ description: 'the key that the sandbox signs its webhooks with' }),
  SANDBOX_SLOW_MS: env.integer({ default: 2_000, description: 'how long sandbox:slow takes to authorise, in ms' }),
  SANDBOX_LATE_MS: env.integer({
    default: 2_000,
    description:
      'how long after its due time sandbox:late authorises, and an unconfirmed sandbox:action expires, in ms',
  }),
})
export type PaymentConfig = Static<typeof PaymentConfig>
