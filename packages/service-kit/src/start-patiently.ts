import type { Clock } from '@micromart/kernel/clock'
import { isBusy, isUnavailable } from '@micromart/postgres/errors'
import { backOffMs, pause } from '@micromart/postgres/wakeable'
import type { Logger } from '@micromart/telemetry/logger'

export interface Patience {
  /** For so long a start is tried again while its store cannot be used; 0 tries once. */
  readonly patienceMs: number
  readonly clock: Clock
  readonly log: Logger
  /** Aborted when nobody wants the start any more. */
  readonly leaving: AbortSignal
  /** Called before each pause. */
  readonly onWaiting: () => void
}

const LONGEST_PAUSE_MS = 5_000

/**
 * Tries a start again while the store is away, has no room, or is locked by somebody else, with a line in the log for each try. Any other
 * failure would be the same the next time, and ends it at once.
 * @throws what the last try threw
 */
export async function startPatiently<T>(start: () => Promise<T>, patience: Patience): Promise<T> {
  const giveUpAt = patience.clock.now().getTime() + patience.patienceMs
  for (let attempt = 1; ; attempt += 1)
    try {
      return await start()
    } catch (err) {
      const againInMs = backOffMs(attempt, { firstMs: 250, mostMs: LONGEST_PAUSE_MS })
      if (!mayPass(err) || patience.clock.now().getTime() + againInMs > giveUpAt) throw err
      const details = { err, code: 'start.waiting', attempt, againInMs }
      patience.log.warn(details, 'the store cannot be used yet; starting again')
      patience.onWaiting()
      await pause(againInMs, patience.leaving)
      if (patience.leaving.aborted) throw err
    }
}

const mayPass = (error: unknown) => isUnavailable(error) || isBusy(error)
