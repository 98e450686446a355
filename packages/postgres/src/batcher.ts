import { runOutsideContext } from '@micromart/telemetry/context'

/** Collects items while one flush runs and hands them over together with the next: one transaction for many. */
export interface Batcher<Item> {
  add(item: Item): void
  /** Resolves when everything added so far has been flushed (or its flush has failed and was reported). */
  idle(): Promise<void>
}

/** `flush` is never called twice at once; what it throws goes to `onError` together with its items. */
export function createBatcher<Item>(options: {
  flush: (items: readonly Item[]) => Promise<void>
  onError: (error: unknown, items: readonly Item[]) => void
}): Batcher<Item> {
  let waiting: Item[] = []
  let running: Promise<void> | undefined

  const drain = async () => {
    await Promise.resolve() // lets everything that is ready now join the first batch
    while (waiting.length > 0) {
      const items = waiting
      waiting = []
      try {
        await options.flush(items)
      } catch (error) {
        options.onError(error, items)
      }
    }
    running = undefined
  }

  return {
    add(item) {
      waiting.push(item)
      running ??= runOutsideContext(drain)
    },
    idle: async () => {
      while (running !== undefined) await running
    },
  }
}
