import { UserQueries } from '@micromart/contracts/gen/user_pb'
import type { Discovery } from '@micromart/discovery/discovery'
import type { Broker } from '@micromart/messaging/broker'
import { queryClients } from '@micromart/service-kit/queries'
import type { Logger } from '@micromart/telemetry/logger'
import type { ApiKeysParts } from './api-keys/key-exchange.ts'
import { type Hearing, hearBroadcasts } from './broadcasts.ts'
import { type CachedReads, createResponseCache } from './cache/response-cache.ts'
import type { GatewayConfig } from './config.ts'
import { createEndedSessions, type EndedSessions } from './ended-sessions.ts'

/** What this gateway keeps of what services have told it, and how it hears that it is no longer so. */
export interface Knowledge {
  /** Undefined when it is turned off. */
  readonly cache: CachedReads | undefined
  readonly ended: EndedSessions
  /** Asks user for an access token. */
  readonly exchangeKey: ApiKeysParts['exchange']
  close(): Promise<void>
}

const MIB = 1024 * 1024

/** @param parts without a broker answers are kept only shortly, and the ended sessions are asked for every two seconds */
export async function gatherKnowledge(parts: {
  config: GatewayConfig
  broker: Broker | undefined
  discovery: Discovery
  /** In ms since 1970. */
  now: () => number
  log: Logger
}): Promise<Knowledge> {
  const { config, broker, discovery, now, log } = parts
  const hearing: Hearing = { now: false }
  const isHearing = () => hearing.now
  const mostBytes = config.CACHE_MIB * MIB
  const cache = mostBytes === 0 ? undefined : createResponseCache({ mostBytes, now, isHearing })
  const user = queryClients(config.INTERNAL_TOKEN, discovery)(UserQueries, config.USER_GRPC_URL)
  const list = async () => (await user.listEndedSessions({})).sessions
  const ended = createEndedSessions({ list, isHearing, now, log })
  const stopHearing = broker && (await hearBroadcasts(broker, { hearing, listeners: { cache, ended } }))
  await ended.ready
  return {
    cache,
    ended,
    exchangeKey: (apiKey) => user.exchangeApiKey({ apiKey }),
    close: async () => {
      await stopHearing?.()
      await ended.close()
      cache?.close()
    },
  }
}
