import { createHash } from 'node:crypto'

export interface TraceEntry {
  readonly atMs: number
  readonly who: string
  readonly what: string
}

/** Everything that happened in a run, in order; equal runs have equal hashes. */
export interface Trace {
  add(who: string, what: string): void
  readonly entries: readonly TraceEntry[]
  hash(): string
}

export function createTrace(nowMs: () => number): Trace {
  const entries: TraceEntry[] = []
  return {
    entries,
    add: (who, what) => {
      entries.push({ atMs: nowMs(), who, what })
    },
    hash: () => {
      const hash = createHash('sha256')
      for (const { atMs, who, what } of entries) hash.update(`${atMs} ${who} ${what}\n`)
      return hash.digest('hex').slice(0, 32)
    },
  }
}
