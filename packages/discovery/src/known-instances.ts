import type { Heard, Source, Stop } from './source.ts'

/** What is known from one source, through its failures. */
export interface KnownOptions {
  /** How long the last instances are still believed in when a source suddenly knows none. */
  readonly emptyAfterMs: number
  /** Called when the answer has changed, and with the first one, sorted and each once. */
  readonly onAnswer: (instances: readonly string[]) => void
  /** At the first failure after an answer. */
  readonly onLost: (error: unknown) => void
  /** At the first answer after a failure. */
  readonly onFound: () => void
}

/**
 * Follows a source and keeps what it said while it fails, however long. From some to none at once is more often a fault of the one who
 * tells than the truth, and asking an instance that is gone costs no more than having none: so "none" counts only when it is still so after a while.
 */
export function keepKnown(source: Source, { emptyAfterMs, onAnswer, onLost, onFound }: KnownOptions): Stop {
  let known: readonly string[] | undefined
  let failing = false
  let emptying: NodeJS.Timeout | undefined

  const believe = (instances: readonly string[]) => {
    if (known && isSame(known, instances)) return
    known = instances
    onAnswer(instances)
  }
  const heard: Heard = {
    answer: (instances) => {
      if (failing) onFound()
      failing = false
      if (instances.length === 0 && known && known.length > 0) {
        emptying ??= setTimeout(() => believe([]), emptyAfterMs)
        return
      }
      clearTimeout(emptying)
      emptying = undefined
      believe([...new Set(instances)].toSorted())
    },
    failed: (error) => {
      clearTimeout(emptying) // nobody knows now whether it is still so
      emptying = undefined
      if (!failing) onLost(error)
      failing = true
    },
  }
  const stop = source(heard)
  return () => {
    stop()
    clearTimeout(emptying)
  }
}

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((each, index) => each === b[index])
