import { createHash } from 'node:crypto'

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number
  /** A whole number, both ends included. */
  between(least: number, most: number): number
  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T
  shuffled<T>(items: readonly T[]): readonly T[]
  /** True so many times in a hundred. */
  chance(percent: number): boolean
}

/** The generator mulberry32 on the hash of a text. */
export function seededRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    pick: (from) => {
      if (from.length === 0) throw new Error('There is nothing to pick from')
      return from[between(0, from.length - 1)] as (typeof from)[number]
    },
    shuffled: (items) => {
      const copy = [...items]
      for (let last = copy.length - 1; last > 0; last -= 1) {
        const other = between(0, last)
        const [a, b] = [copy[last], copy[other]] as [(typeof copy)[number], (typeof copy)[number]]
        copy[last] = b
        copy[other] = a
      }
      return copy
    },
    chance: (percent) => next() * 100 < percent,
  }
}
