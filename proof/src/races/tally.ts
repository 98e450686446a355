/** What was seen in some rounds of one race. */
export interface Observed {
  readonly counts: Readonly<Record<string, number>>
  /** Of each waiting the longest, in ms; reported, never judged. */
  readonly longestMs: Readonly<Record<string, number>>
  /** One sentence for each thing that should have held and did not. */
  readonly broken: readonly string[]
}

export interface Tally {
  count(what: string, howMany?: number): void
  waited(what: string, ms: number): void
  must(holds: boolean, otherwise: string): void
  observed(): Observed
}

export function createTally(): Tally {
  const counts: Record<string, number> = {}
  const longestMs: Record<string, number> = {}
  const broken: string[] = []
  return {
    count: (what, howMany = 1) => {
      counts[what] = (counts[what] ?? 0) + howMany
    },
    waited: (what, ms) => {
      longestMs[what] = Math.max(longestMs[what] ?? 0, Math.round(ms))
    },
    must: (holds, otherwise) => {
      if (!holds) broken.push(otherwise)
    },
    observed: () => ({ counts, longestMs, broken }),
  }
}
