import type { ConnectRouter } from '@connectrpc/connect'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, DatabaseOptions } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { Outbox } from '@micromart/postgres/outbox'
import type { AnyTimerHandler, Timers } from '@micromart/postgres/timers'
import type { Logger } from '@micromart/telemetry/logger'
import Type, { type Static, type TObject } from 'typebox'
import { env } from './config.ts'
import type { QueryClients } from './queries.ts'
import type { Subscription } from './subscription.ts'

export const serviceNames = [
  'user',
  'product',
  'inventory',
  'cart',
  'order',
  'payment',
  'notification',
  'analytics',
] as const
export type ServiceName = (typeof serviceNames)[number]

/** Environment variables of everybody who looks for others. */
export const DiscoveryConfig = Type.Object({
  DISCOVERY_TOKEN: env.secret({ default: '', description: 'token for Consul, where it asks for one' }),
  DNS_SERVERS: env.words({
    default: [],
    description: 'name servers for dns: addresses, as address:port; those of the machine when it is empty',
  }),
})

/** Environment variables that every service reads. */
export const CommonConfig = Type.Object({
  MICROMART_ENV: env.choice(['development', 'production'], {
    default: 'production',
    description: 'development opens demo accounts, mailbox and sandbox',
  }),
  HOST: env.text({ default: '127.0.0.1', description: 'address to listen on' }),
  PORT: env.integer({ maximum: 65_535, description: 'HTTP port, 0 for any' }),
  GRPC_PORT: env.integer({ default: 0, maximum: 65_535, description: 'gRPC port, 0 for any' }),
  DATABASE_URL: env.secret({ description: 'postgres://user:password@host:port/database of this service alone' }),
  DATABASE_POOL: env.integer({ default: 5, minimum: 2, maximum: 200, description: 'most database connections' }),
  BROKER_URL: env.secret({ default: 'memory://', description: 'memory:// within one process, or amqp://' }),
  INTERNAL_TOKEN: env.secret({ description: 'what services show each other for gRPC queries' }),
  DRAIN_MS: env.integer({
    default: 0,
    maximum: 60_000,
    description: 'how long a service that is told to end goes on answering, so that its callers find another instance',
  }),
  START_PATIENCE_MS: env.integer({
    default: 60_000,
    maximum: 3_600_000,
    description: 'how long a start waits for a database that is away, full or locked; 0 tries once',
  }),
  JWKS_URL: env.urls({
    description: 'where the keys of access tokens are, e.g. http://user:3001/.well-known/jwks.json',
  }),
  PUBLIC_URL: env.url({ description: 'address of the gateway as clients see it' }),
  SELF_URL: env.url({ description: 'HTTP address of this service as others see it' }),
  USER_GRPC_URL: env.urls({ description: 'where the gRPC instances of user are' }),
  CART_GRPC_URL: env.urls({ description: 'where the gRPC instances of cart are' }),
  PRODUCT_GRPC_URL: env.urls({ description: 'where the gRPC instances of product are' }),
  ...DiscoveryConfig.properties,
  DISCOVERY_URL: env.url({
    default: 'static:',
    description: 'where this service registers itself: consul://agent:port, or static: for nowhere',
  }),
  LOG_LEVEL: env.choice(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
})
export type CommonConfig = Static<typeof CommonConfig>

/** What a service is built from. */
export interface ServiceParts<Config = unknown> {
  readonly config: CommonConfig & Config
  readonly database: Database
  readonly outbox: Outbox
  readonly timers: Timers
  readonly write: IdempotentWrite
  /** For what people of the shop do; nothing on a shopper's way. */
  readonly audit: AuditLog
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  /** Add routes to it; it is not listening yet. */
  readonly http: HttpServer
  readonly grpc: QueryClients
  /** For a second database; the service closes it. */
  readonly openDatabase: (options: DatabaseOptions) => Database
}

export interface BuiltService {
  /** What is done with the messages of this service's queue. */
  readonly subscription?: Subscription
  readonly timerHandlers?: readonly AnyTimerHandler[]
  /** gRPC queries that this service answers. */
  readonly queries?: (router: ConnectRouter) => void
  /** Removes what has been kept long enough; once an hour, and on every instance. */
  keepHouse?(): Promise<void>
  close?(): Promise<void>
}

export interface ServiceDefinition<S extends TObject = TObject> {
  readonly name: ServiceName
  /** The service's own environment variables, besides `CommonConfig`. */
  readonly config: S
  readonly migrations: URL
  build(parts: ServiceParts<Static<S>>): Promise<BuiltService>
}

export const defineService = <S extends TObject>(definition: ServiceDefinition<S>): ServiceDefinition<S> => definition

/** A definition whose own configuration does not matter to the one who runs it. */
// biome-ignore lint/suspicious/noExplicitAny: the configuration type is only known inside the definition
export type AnyServiceDefinition = ServiceDefinition<any>
