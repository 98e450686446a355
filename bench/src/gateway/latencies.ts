/** Counts of latencies in µs, exact to one part in 64, however many there are. */
export interface Latencies {
  add(microseconds: number): void
  /** Sparse: bucket and count in turn, to be merged elsewhere. */
  toJSON(): readonly number[]
}

const SUB = 64
const BUCKETS = 32 * SUB

function bucketOf(microseconds: number): number {
  const value = Math.max(0, Math.round(microseconds))
  if (value < SUB) return value
  const power = 31 - Math.clz32(value) - 6
  return Math.min(BUCKETS - 1, SUB * (power + 1) + (value >>> power) - SUB)
}

/** The largest value that falls into a bucket. */
function topOf(bucket: number): number {
  if (bucket < SUB) return bucket
  const power = Math.floor(bucket / SUB) - 1
  return ((bucket % SUB) + SUB + 1) * 2 ** power - 1
}

export function createLatencies(): Latencies {
  const counts = new Float64Array(BUCKETS)
  return {
    add: (microseconds) => {
      const bucket = bucketOf(microseconds)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    },
    toJSON: () => [...counts.entries()].flatMap(([bucket, count]) => (count > 0 ? [bucket, count] : [])),
  }
}

/** Nearest-rank quantiles in ms over what several workers have counted; 0 of nothing. */
export function quantilesMs(parts: readonly (readonly number[])[], qs: readonly number[]): readonly number[] {
  const counts = new Map<number, number>()
  for (const part of parts)
    for (let index = 0; index < part.length; index += 2)
      counts.set(part[index] ?? 0, (counts.get(part[index] ?? 0) ?? 0) + (part[index + 1] ?? 0))
  const sorted = [...counts].toSorted(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  return qs.map((q) => {
    let rest = Math.max(1, Math.ceil(q * total))
    for (const [bucket, count] of sorted) {
      rest -= count
      if (rest <= 0) return topOf(bucket) / 1_000
    }
    return 0
  })
}
