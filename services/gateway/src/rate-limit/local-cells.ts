import type { Policy } from './policies.ts'

/** What this process knows of one bucket. */
export interface Cells {
  readonly policy: Policy
  readonly key: string
  /** Theoretical arrival time, in µs of this process's own time; see gcra.ts. */
  tatUs: number
  /** Taken here and not told the others yet. */
  untold: number
}

/** The buckets of one policy. */
export interface LocalCells {
  /** The bucket of one caller; a new one is full. */
  of(key: string): Cells
  /** How many are remembered. */
  size(): number
}

/**
 * Buckets in memory, at most `most`. They live in two generations: when the young one has half of them it becomes the old one, and what
 * was old and not asked for since is forgotten, without looking for it. To make a bucket be forgotten before its time somebody
 * needs half of `most` other addresses.
 */
export function localCells(policy: Policy, most: number): LocalCells {
  let young = new Map<string, Cells>()
  let old = new Map<string, Cells>()
  return {
    of: (key) => {
      const known = young.get(key)
      if (known) return known
      if (young.size >= most / 2) {
        old = young
        young = new Map()
      }
      const cells = old.get(key) ?? { policy, key, tatUs: 0, untold: 0 }
      young.set(key, cells)
      return cells
    },
    size: () => young.size + old.size,
  }
}
