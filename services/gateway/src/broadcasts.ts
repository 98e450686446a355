import type { Envelope } from '@micromart/contracts/envelope'
import { ProductChanged } from '@micromart/contracts/product'
import type { Broker, Consumer } from '@micromart/messaging/broker'
import type { CachedReads } from './cache/response-cache.ts'

/** What this gateway hears of the services. */
export interface Broadcasts {
  /** False without a broker and while it is away. */
  isHearing(): boolean
  /** @param broker without one nothing is ever heard */
  start(broker: Broker | undefined, listeners: Pick<CachedReads, 'empty' | 'emptyAll'>): Promise<void>
  close(): Promise<void>
}

export function createBroadcasts(): Broadcasts {
  let hearing = false
  let consumer: Consumer | undefined
  return {
    isHearing: () => hearing,
    start: async (broker, cache) => {
      consumer = await broker?.listen([ProductChanged.type], {
        hear: (message) => hear(message, cache),
        resumed: () => {
          cache.emptyAll() // whatever was said before may have been missed
          hearing = true
        },
        lost: () => {
          hearing = false
        },
      })
    },
    close: async () => consumer?.close(),
  }
}

/** What cannot be read may be about anything. */
function hear({ type, data }: Envelope, cache: Pick<CachedReads, 'empty' | 'emptyAll'>) {
  if (type !== ProductChanged.type) return
  if (ProductChanged.accepts(data))
    cache.empty([
      'product-lists',
      `product/${data.productId}`,
      ...data.handles.map((handle) => `product/${handle.toLowerCase()}`),
    ])
  else cache.emptyAll()
}
