import type { IncomingMessage, Server } from 'node:http'
import { type IsTrusted, trustedProxies } from '@micromart/http-kit/client-address'
import { type RedisConnection, redisConnection } from '@micromart/redis/redis-connection'
import type { Logger } from '@micromart/telemetry/logger'
import { createAccessLog } from './access-log.ts'
import { type Client, clientsBehind } from './client.ts'
import type { GatewayConfig } from './config.ts'
import { guardConnections } from './connection-guard.ts'
import { type Cors, createCors } from './cors.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { Manners, RateLimits } from './gateway.ts'
import { createManners } from './manners.ts'
import { limitedRequests } from './rate-limit/limited-requests.ts'
import { policiesOf } from './rate-limit/policies.ts'
import { createRateLimiter, type RateLimiter } from './rate-limit/rate-limiter.ts'
import { sharedCells } from './rate-limit/shared-cells.ts'
import type { FindRoute } from './router.ts'
import { securityHeaders } from './security-headers.ts'
import { createWebSockets, type WebSockets } from './web-sockets/web-sockets.ts'

/** Limits and manners of the gateway, as the configuration has them. */
export interface FrontDoor {
  readonly clientOf: (request: IncomingMessage) => Client
  readonly rateLimits: RateLimits
  readonly manners: Manners
  readonly webSockets: WebSockets
  /** Watches the connections of a server. @returns what ends it */
  guard(server: Server): () => void
  close(): void
}

/** So long somebody may send or read too slowly, in ms. */
const PATIENCE_MS = 10_000

export interface FrontDoorParts {
  readonly config: GatewayConfig
  readonly log: Logger
  readonly findRoute: FindRoute
  readonly ended: Pick<EndedSessions, 'has'>
}

export function frontDoor(parts: FrontDoorParts): FrontDoor {
  const { config, log, ended } = parts
  const cors = createCors({ origins: config.CORS_ORIGINS, credentials: config.CORS_CREDENTIALS })
  const isTrusted = trustedProxies(config.TRUSTED_PROXIES)
  const redis = config.REDIS_URL === '' ? undefined : redisOf(config.REDIS_URL, log)
  const limiter = limiterOf(config, redis)
  return {
    clientOf: clientsBehind(isTrusted),
    rateLimits: limitedRequests(limiter),
    manners: mannersOf({ ...parts, cors }),
    webSockets: createWebSockets({
      most: config.MOST_WEB_SOCKETS,
      mostPerAddress: config.MOST_WEB_SOCKETS_PER_ADDRESS,
      idleMs: config.WEB_SOCKET_IDLE_S * 1_000,
      // by name: with * any page could use the cookies that browsers send along
      knowsOrigin: (origin) => config.CORS_ORIGINS.includes(origin),
      isOver: ended.has,
    }),
    guard: (server) => guardOf(server, { config, isTrusted }),
    close: () => {
      limiter.close()
      redis?.close()
    },
  }
}

const redisOf = (url: string, log: Logger) =>
  redisConnection({ url, log, meanwhile: 'each gateway counts requests by itself' })

const limiterOf = (config: GatewayConfig, redis: RedisConnection | undefined): RateLimiter =>
  createRateLimiter({
    policies: policiesOf(config.RATE_LIMITS),
    shared: redis && sharedCells(redis, 'micromart:limit:'),
    nowUs: () => Math.floor(performance.now() * 1_000),
  })

const mannersOf = ({ config, log, findRoute, cors }: FrontDoorParts & { cors: Cors }) =>
  createManners({
    cors,
    security: securityHeaders({ hstsS: config.HSTS_MAX_AGE_S }),
    accessLog: createAccessLog({
      log,
      samplePercent: config.ACCESS_LOG_PERCENT,
      slowMs: config.ACCESS_LOG_SLOW_MS,
      random: Math.random,
      nowMs: () => performance.now(),
    }),
    findRoute,
  })

function guardOf(server: Server, { config, isTrusted }: { config: GatewayConfig; isTrusted: IsTrusted }): () => void {
  const guard = guardConnections(server, {
    mostConnections: config.MOST_CONNECTIONS,
    mostPerAddress: config.MOST_CONNECTIONS_PER_ADDRESS,
    leastBytesPerS: config.LEAST_BYTES_PER_S,
    patienceMs: PATIENCE_MS,
    isTrusted,
  })
  return () => guard.close()
}
