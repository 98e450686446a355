/** Chance out of a seed: the same seed draws the same numbers on every machine. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** `probability` is from 0 to 1. */
  chance(probability: number): boolean
  /** @throws when there is nothing to pick from */
  pick<T>(items: readonly T[]): T
  /** A copy in another order. */
  shuffle<T>(items: readonly T[]): readonly T[]
  bytes(size: number): Uint8Array<ArrayBuffer>
  /** A stream of its own that what others draw does not disturb. */
  fork(name: string): Random
}

/** SplitMix32 over the seed and the name (Steele, Lea and Flood: Fast splittable pseudorandom number generators, 2014). */
export function randomFrom(seed: number | string, name = ''): Random {
  let state = mix((typeof seed === 'string' ? hashOf(seed) : seed) ^ hashOf(name))
  const next = () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 0x1_0000_0000
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new Error('There is nothing to pick from')
      return items[between(0, items.length - 1)] as (typeof items)[number]
    },
    shuffle: (items) => {
      const result = [...items]
      for (let last = result.length - 1; last > 0; last--) {
        const other = between(0, last)
        const moved = result[last] as (typeof result)[number]
        result[last] = result[other] as (typeof result)[number]
        result[other] = moved
      }
      return result
    },
    bytes: (size) => Uint8Array.from({ length: size }, () => between(0, 255)),
    fork: (other) => randomFrom(between(0, 0xffff_ffff), other),
  }
}

function mix(value: number): number {
  let mixed = value >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

const hashOf = (text: string) =>
  [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), 0x811c9dc5)
