import { env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'

const upstream = (name: string) => env.urls({ description: `HTTP addresses of the ${name} service` })

export const GatewayConfig = Type.Object({
  HOST: env.text({ default: '127.0.0.1', description: 'address to listen on' }),
  PORT: env.integer({ default: 3_000, maximum: 65_535, description: 'port to listen on' }),
  DRAIN_MS: env.integer({
    default: 0,
    maximum: 60_000,
    description: 'how long a gateway that is told to end goes on answering, so that clients find another',
  }),
  UPSTREAM_CONCURRENCY: env.integer({
    default: 256,
    minimum: 1,
    maximum: 65_535,
    description: 'requests to one service at the same time; more are refused at once',
  }),
  JWKS_URL: env.urls({ description: 'where the keys of access tokens are' }),
  USER_URL: upstream('user'),
  PRODUCT_URL: upstream('product'),
  INVENTORY_URL: upstream('inventory'),
  CART_URL: upstream('cart'),
  ORDER_URL: upstream('order'),
  PAYMENT_URL: upstream('payment'),
  NOTIFICATION_URL: upstream('notification'),
  ANALYTICS_URL: upstream('analytics'),
})
export type GatewayConfig = Static<typeof GatewayConfig>
