import type { Envelope } from '@micromart/contracts/envelope'
import type { Topology } from '@micromart/contracts/topology'
import type { BroadcastListener } from './broker.ts'
import type { BrokerLog } from './broker-log.ts'

/** Which types are broadcast. @throws for a type that has a queue as well */
export function broadcastTypes(broadcasts: readonly string[], topology: Topology): ReadonlySet<string> {
  const queued = new Set(Object.values(topology).flat())
  for (const type of broadcasts)
    if (queued.has(type)) throw new Error(`${type} has a queue; it cannot be broadcast as well`)
  return new Set(broadcasts)
}

/** @throws for a type that nobody broadcasts */
export function checkBroadcast(types: readonly string[], broadcast: ReadonlySet<string>): void {
  for (const type of types) if (!broadcast.has(type)) throw new Error(`${type} is not broadcast`)
}

/** The same listener, told by body; what it throws, and what is no envelope, goes no further than the log. */
export function safely(listener: BroadcastListener, log: BrokerLog) {
  const attempt = (tell: () => void) => {
    try {
      tell()
    } catch (err) {
      log.error({ err }, 'a listener failed; it has missed a broadcast')
    }
  }
  return {
    hear: (body: string) =>
      attempt(() => {
        const message = JSON.parse(body) as Envelope | null
        if (typeof message?.type !== 'string') throw new Error('the body is not an envelope')
        listener.hear(message)
      }),
    resumed: () => attempt(() => listener.resumed()),
    lost: () => attempt(() => listener.lost()),
  }
}
