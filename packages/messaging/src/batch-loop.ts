import type { BatchHandler, Delivery, Verdict } from './broker.ts'
import type { BrokerLog } from './broker-log.ts'

/** One subscriber's batches; the same in every broker, so that a batch means the same everywhere. */
export interface BatchLoop<Item> {
  push(item: Item): void
  /** Takes back what has not been handed over yet, in its order: all of it, or what `which` picks. */
  take(which?: (item: Item) => boolean): Item[]
  /** Starts no further batch; resolves when the running one is settled. */
  stop(): Promise<void>
}

const LARGEST_BATCH = 500

/** Hands over what has arrived, one batch at a time, and settles each item by its verdict. `settle` must not throw. */
export function createBatchLoop<Item extends { readonly delivery: Delivery }>(options: {
  queue: string
  batchSize: number
  handle: BatchHandler
  settle: (item: Item, verdict: Verdict) => void
  log: BrokerLog
}): BatchLoop<Item> {
  const { queue, batchSize, handle, settle, log } = options
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > LARGEST_BATCH)
    throw new RangeError(`batchSize must be 1 to ${LARGEST_BATCH}, not ${batchSize}`)
  let waiting: Item[] = []
  let running: Promise<void> | undefined
  let stopped = false

  const judge = async (batch: readonly Item[]): Promise<readonly Verdict[]> => {
    try {
      const verdicts = await handle(batch.map(({ delivery }) => delivery))
      if (verdicts.length !== batch.length)
        throw new Error(`the handler gave ${verdicts.length} verdicts for ${batch.length} deliveries`)
      return verdicts
    } catch (error) {
      log.error({ err: error, queue, deliveries: batch.length }, 'a message handler failed; its batch comes again')
      return batch.map(({ delivery }) => ({ kind: 'retry', afterMs: afterFailureMs(delivery.attempt) }))
    }
  }

  const runBatch = async () => {
    const batch = waiting.slice(0, batchSize)
    waiting = waiting.slice(batch.length)
    const verdicts = await judge(batch)
    batch.forEach((item, index) => {
      const verdict = verdicts[index]
      if (verdict) settle(item, verdict)
    })
  }

  const drain = async () => {
    while (waiting.length > 0 && !stopped) {
      await new Promise(setImmediate) // whatever is arriving at this moment joins the batch
      if (waiting.length > 0 && !stopped) await runBatch()
    }
    running = undefined
  }

  return {
    push(item) {
      waiting.push(item)
      if (!stopped) running ??= drain()
    },
    take(which = () => true) {
      const taken = waiting.filter(which)
      waiting = waiting.filter((item) => !which(item))
      return taken
    },
    async stop() {
      stopped = true
      await running
    },
  }
}

const afterFailureMs = (attempt: number) => Math.min(10_000, 100 * 2 ** Math.min(attempt - 1, 10))
