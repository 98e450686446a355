/** The value that so many percent of the values do not exceed (nearest rank); undefined of nothing. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
}

export interface Distribution {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly most: number
}

export const distributionOf = (values: readonly number[]): Distribution => ({
  count: values.length,
  p50: percentile(values, 50) ?? 0,
  p95: percentile(values, 95) ?? 0,
  p99: percentile(values, 99) ?? 0,
  most: percentile(values, 100) ?? 0,
})

/** With no violation in so many tries the true rate is below this, with 95 % confidence (rule of three). */
export const ruleOfThree = (tries: number): number => (tries === 0 ? 1 : Math.min(1, 3 / tries))

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
