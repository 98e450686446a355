import type { Envelope } from '@micromart/contracts/envelope'
import { ProductChanged } from '@micromart/contracts/product'
import { SessionsEnded } from '@micromart/contracts/user-sessions'
import type { Broker } from '@micromart/messaging/broker'
import type { CachedReads } from './cache/response-cache.ts'
import type { EndedSessions } from './ended-sessions.ts'

/** Whether what services broadcast is heard at the moment. */
export interface Hearing {
  now: boolean
}

export interface Listeners {
  readonly cache: Pick<CachedReads, 'empty' | 'emptyAll'> | undefined
  readonly ended: Pick<EndedSessions, 'note' | 'reload'>
}

/** Hears what services broadcast, and tells those who keep something. @returns what ends it */
export async function hearBroadcasts(
  broker: Broker,
  { hearing, listeners }: { hearing: Hearing; listeners: Listeners },
): Promise<() => Promise<void>> {
  const consumer = await broker.listen([ProductChanged.type, SessionsEnded.type], {
    hear: (message) => hear(message, listeners),
    resumed: () => {
      // whatever was said before may have been missed
      listeners.cache?.emptyAll()
      listeners.ended.reload()
      hearing.now = true
    },
    lost: () => {
      hearing.now = false
      listeners.ended.reload() // from now on it is asked more often
    },
  })
  return () => consumer.close()
}

function hear({ type, data }: Envelope, { cache, ended }: Listeners) {
  if (type === SessionsEnded.type) {
    if (SessionsEnded.accepts(data))
      ended.note(data.sessionIds.map((sessionId) => ({ sessionId, tokensExpireAt: data.tokensExpireAt })))
    else ended.reload()
  } else if (ProductChanged.accepts(data)) {
    const { productId, handles } = data
    cache?.empty(['product-lists', ...[productId, ...handles].map((name) => `product/${name.toLowerCase()}`)])
  } else cache?.emptyAll() // it may be about anything
}
