import type { Cells } from './local-cells.ts'
import type { SharedCells } from './shared-cells.ts'

/** Tells the other gateways what this one let in, and takes over what they did. */
export interface Teller {
  /** One cell was taken here. */
  used(cells: Cells): void
  close(): void
}

/** How long this gateway may know less than the others, and how many buckets go into one message. */
const EVERY_MS = 100
const MOST_AT_ONCE = 500

/**
 * Collects for a tenth of a second and tells everything in one step per 500 buckets: requests never wait, and Redis hears of a busy
 * bucket ten times a second however busy it is. Until then each of n gateways decides by what it knows, so that in any time t all of them
 * together let in at most `n * quota + t / interval`; with one, or with callers that stay with one, exactly the limit.
 * While Redis is away nothing is kept: what was used meanwhile has mostly come back by then.
 */
export function createTeller(shared: SharedCells, nowUs: () => number): Teller {
  let waiting: Cells[] = []
  let timer: NodeJS.Timeout | undefined

  const tell = async (batch: readonly Cells[]) => {
    const sentAt = nowUs()
    const used = batch.map((cells) => ({ cells, count: countOf(cells, sentAt) }))
    for (const { cells } of used) cells.untold = 0
    const ahead = await shared.tell(used)
    const now = nowUs()
    for (const [index, { cells }] of used.entries()) {
      const others = ahead?.[index]
      // what was taken here while the message was under way is not in it yet
      if (others !== undefined)
        cells.tatUs = Math.max(cells.tatUs, now + others + cells.untold * cells.policy.intervalUs)
    }
  }
  const tellAll = async () => {
    const batches = []
    for (let from = 0; from < waiting.length; from += MOST_AT_ONCE)
      batches.push(waiting.slice(from, from + MOST_AT_ONCE))
    waiting = []
    for (const batch of batches) await tell(batch)
    timer = waiting.length > 0 ? later() : undefined
  }
  const later = () => setTimeout(() => void tellAll(), EVERY_MS).unref()

  return {
    used: (cells) => {
      cells.untold += 1
      if (cells.untold > 1) return
      waiting.push(cells)
      timer ??= later()
    },
    close: () => clearTimeout(timer),
  }
}

/** What has come back meanwhile is not told any more. */
const countOf = ({ tatUs, untold, policy }: Cells, nowUs: number) =>
  Math.min(untold, Math.max(0, Math.ceil((tatUs - nowUs) / policy.intervalUs)))
