import { backOffMs, createWakeable } from '@micromart/postgres/wakeable'
import type { Logger } from '@micromart/telemetry/logger'
import type { OrderStep, OrderSteps } from './ports.ts'

export interface FollowOrders {
  /** Tells what happens to an order after `version`, in order, each step once; until the function that it gives back is called. */
  follow(orderId: string, version: number, onSteps: (steps: readonly OrderStep[]) => void): () => void
  /** Something has been written here. */
  wake(): void
}

interface Follower {
  readonly orderId: string
  version: number
  readonly onSteps: (steps: readonly OrderStep[]) => void
}

/** How soon one hears of what another instance wrote. */
const POLL_MS = 250
const LONGEST_AWAY_MS = 5_000

/**
 * Follows orders by their position in the event log: one question for all of them, at once after a commit of this instance and four times
 * a second for those of the others. Nobody asks while nobody follows, a database that is away is asked again, and no step can be lost.
 */
export function followOrders({ steps, log }: { steps: OrderSteps; log: Logger }): FollowOrders {
  const followers = new Set<Follower>()
  const wakeable = createWakeable()
  let running = false
  let failures = 0

  /** Of several who follow one order, the one that knows least counts. */
  const versions = () => {
    const known = new Map<string, number>()
    for (const { orderId, version } of followers)
      known.set(orderId, Math.min(version, known.get(orderId) ?? Number.MAX_SAFE_INTEGER))
    return known
  }

  const tell = (news: ReadonlyMap<string, readonly OrderStep[]>) => {
    for (const follower of [...followers]) {
      const fresh = (news.get(follower.orderId) ?? []).filter(({ version }) => version > follower.version)
      const last = fresh.at(-1)
      // the news were asked for by those who knew more than one who has come since: it waits for the next ones
      if (!last || fresh[0]?.version !== follower.version + 1) continue
      follower.version = last.version
      follower.onSteps(fresh)
    }
  }

  const run = async () => {
    while (followers.size > 0) {
      try {
        tell(await steps.after(versions()))
        failures = 0
      } catch (err) {
        failures += 1
        if (failures === 1) log.warn({ err }, 'orders cannot be followed right now; trying again')
      }
      await wakeable.pause(failures === 0 ? POLL_MS : backOffMs(failures, { mostMs: LONGEST_AWAY_MS }))
    }
    running = false
  }

  return {
    follow(orderId, version, onSteps) {
      const follower: Follower = { orderId, version, onSteps }
      followers.add(follower)
      if (!running) {
        running = true
        void run()
      } else wakeable.wake()
      return () => {
        followers.delete(follower)
        if (followers.size === 0) wakeable.wake()
      }
    },
    wake: () => {
      if (followers.size > 0) wakeable.wake()
    },
  }
}
