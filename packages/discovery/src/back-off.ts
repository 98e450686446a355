/** Pauses between attempts that grow from failure to failure, up to a limit. */
export interface BackOff {
  readonly firstMs: number
  readonly mostMs: number
}

/** Somewhere in the upper half of the pause, so that many who failed together do not come back together. `failures` counts from 1. */
export function pauseAfter(failures: number, { firstMs, mostMs }: BackOff, random: () => number = Math.random): number {
  const longest = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return longest / 2 + (longest / 2) * random()
}
