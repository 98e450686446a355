import { env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'

const upstream = (name: string) => env.url({ description: `HTTP address of the ${name} service` })

export const GatewayConfig = Type.Object({
  HOST: env.text({ default: '127.0.0.1', description: 'address to listen on' }),
  PORT: env.integer({ default: 3_000, maximum: 65_535, description: 'port to listen on' }),
  JWKS_URL: env.url({ description: 'where the keys of access tokens are' }),
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
