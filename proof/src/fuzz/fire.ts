import { randomFrom } from '../random.ts'
import type { FuzzTarget, OpenTarget } from './target.ts'

/** Inputs `from` up to, not including, `to`. */
export interface Salvo {
  readonly target: string
  readonly from: number
  readonly to: number
}

export interface Fault {
  readonly target: string
  /** Which input of the seed it was: `--target NAME --only INDEX` makes it again. */
  readonly index: number
  readonly input: string
  readonly error: string
}

export interface Hits {
  readonly accepted: number
  readonly refused: number
  readonly faults: readonly Fault[]
}

/** The input depends on seed, target and index alone, whoever makes it and after whatever. */
export const inputOf = (open: OpenTarget, { seed, target, index }: { seed: number; target: string; index: number }) =>
  open.input(randomFrom(seed ^ Math.imul(index + 1, 0x9e3779b1), target))

const MOST_FAULTS = 20

/** Fires a salvo; `progress` hears the index before each input, so that somebody outside can tell which one hangs. */
export async function fire(
  open: OpenTarget,
  { salvo, seed, progress }: { salvo: Salvo; seed: number; progress: (index: number) => void },
): Promise<Hits> {
  const { target, from, to } = salvo
  const counts = { accepted: 0, refused: 0 }
  const faults: Fault[] = []
  for (let index = from; index < to && faults.length < MOST_FAULTS; index += 1) {
    progress(index)
    const input = inputOf(open, { seed, target, index })
    try {
      const verdict = open.run(input)
      counts[typeof verdict === 'string' ? verdict : await verdict] += 1
    } catch (error) {
      faults.push({ target, index, input, error: String(error instanceof Error ? (error.stack ?? error) : error) })
    }
  }
  return { ...counts, faults }
}

export const named = (targets: readonly FuzzTarget[], name: string): FuzzTarget => {
  const found = targets.find((target) => target.name === name)
  if (!found) throw new RangeError(`There is no target ${name}`)
  return found
}
