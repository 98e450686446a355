import { networkFaults } from '@micromart/http-kit/client-address'
import { redisUrlFaults } from '@micromart/redis/redis-connection'
import { ConfigError, type Env, env, parseConfig } from '@micromart/service-kit/config'
import { DiscoveryConfig } from '@micromart/service-kit/service'
import Type, { type Static } from 'typebox'
import { originFaults } from './cors.ts'
import { LIMIT_PATTERN } from './rate-limit/policies.ts'

const upstream = (name: string) =>
  env.urls({ description: `where the ${name} service is: http://, dns:, dns+srv: or consul:// addresses` })

export const GatewayConfig = Type.Object({
  HOST: env.text({ default: '127.0.0.1', description: 'address to listen on' }),
  PORT: env.integer({ default: 3_000, maximum: 65_535, description: 'port to listen on' }),
  DRAIN_MS: env.integer({
    default: 0,
    maximum: 60_000,
    description: 'how long a gateway that is told to end goes on answering, so that clients find another',
  }),
  GATEWAY_PROCESSES: env.integer({
    default: 1,
    minimum: 1,
    maximum: 64,
    description: 'processes of `micromart serve gateway` that share the port; one for each core is enough',
  }),
  METRICS_HOST: env.text({ default: '127.0.0.1', description: 'address at which Prometheus asks for metrics' }),
  METRICS_PORT: env.integer({
    default: 0,
    maximum: 65_535,
    description: 'port of GET /metrics, never that of the shop; 0 for none',
  }),
  UPSTREAM_CONCURRENCY: env.integer({
    default: 256,
    minimum: 1,
    maximum: 65_535,
    description: 'requests to one service at the same time; more are refused at once',
  }),
  CACHE_MIB: env.integer({
    default: 64,
    maximum: 4_096,
    description: 'most memory for answers to public reads that are kept, in MiB; 0 keeps none',
  }),
  TRUSTED_PROXIES: env.words({
    default: [],
    description:
      'addresses or networks (10.0.0.0/8) of proxies in front, whose X-Forwarded-For and -Proto are believed',
  }),
  REDIS_URL: env.secret({
    default: '',
    description:
      'redis://user:password@host:port, where all gateways count requests together; without it each by itself',
  }),
  RATE_LIMITS: env.words({
    default: [],
    pattern: LIMIT_PATTERN,
    description: 'limits other than the defaults: name=requests/seconds, such as sign-in=20/60; all=... for the rest',
  }),
  CORS_ORIGINS: env.words({
    default: [],
    description: 'origins (https://shop.example) whose pages may call the shop; * for any; none by default',
  }),
  CORS_CREDENTIALS: env.flag({ default: false, description: 'true lets those pages send cookies along' }),
  HSTS_MAX_AGE_S: env.integer({
    default: 31_536_000,
    description: 'how long browsers that came by TLS come by TLS only, in seconds; 0 says nothing of it',
  }),
  ACCESS_LOG_PERCENT: env.integer({
    default: 1,
    maximum: 100,
    description: 'of ordinary requests that are logged; failed and slow ones always are',
  }),
  ACCESS_LOG_SLOW_MS: env.integer({ default: 1_000, description: 'how long a request takes to be called slow, in ms' }),
  MOST_CONNECTIONS: env.integer({
    default: 10_000,
    minimum: 1,
    description: 'connections of clients at the same time',
  }),
  MOST_CONNECTIONS_PER_ADDRESS: env.integer({
    default: 512,
    minimum: 1,
    description: 'of them from one address; trusted proxies have no such limit',
  }),
  MOST_WEB_SOCKETS: env.integer({
    default: 2_000,
    description: 'of all connections those that are WebSockets; routes for them come from the routes file',
  }),
  MOST_WEB_SOCKETS_PER_ADDRESS: env.integer({
    default: 100,
    minimum: 1,
    description: 'of them for one client, behind trusted proxies too',
  }),
  WEB_SOCKET_IDLE_S: env.integer({
    default: 120,
    minimum: 1,
    description: 'a WebSocket on which nothing was sent for so long is ended, in seconds',
  }),
  LEAST_BYTES_PER_S: env.integer({
    default: 256,
    description: 'who sends a body or reads an answer more slowly for ten seconds is cut off; 0 for nobody',
  }),
  ...DiscoveryConfig.properties,
  BALANCING: env.choice(['least-pending', 'round-robin'], {
    default: 'least-pending',
    description: 'which instance of a service is asked next',
  }),
  ROUTES_FILE: env.text({
    default: '',
    description: 'JSON file that changes the built-in routes; read again when it changes and on SIGHUP',
  }),
  JWKS_URL: env.urls({ description: 'where the keys of access tokens are' }),
  USER_GRPC_URL: env.urls({ description: 'gRPC addresses of user, who knows sessions and API keys' }),
  INTERNAL_TOKEN: env.secret({ description: 'what services show each other for gRPC queries' }),
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

/** @throws ConfigError with every fault */
export function gatewayConfig(environment: Env): GatewayConfig {
  const config = parseConfig(GatewayConfig, environment)
  const faults = [
    ...networkFaults(config.TRUSTED_PROXIES).map((fault) => `TRUSTED_PROXIES: ${fault}`),
    ...redisUrlFaults('REDIS_URL', config.REDIS_URL),
    ...originFaults(config.CORS_ORIGINS, config.CORS_CREDENTIALS),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}
