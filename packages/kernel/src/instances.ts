/** Several that do the same work, such as the processes of one service; each is what its user needs to reach it. */
export interface Instances<T> {
  /** All of them in the order to be tried: by turns, those that are passed over last. Never empty if there is one. */
  inOrder(): readonly T[]
  /** Prefers the others for a while. */
  passOver(instance: T, forMs?: number): void
  /** From now on it is these; those that stay are passed over as long as before. */
  replace(all: readonly T[]): void
}

/** So long an instance is not tried while there are others; also the longest that one that is back waits for its first work. */
const COOL_DOWN_MS = 1_000

export function createInstances<T>(first: readonly T[], now: () => number = () => performance.now()): Instances<T> {
  const notBefore = new Map<T, number>()
  let all = first
  let turn = 0
  const waitOf = (instance: T, at: number) => Math.max(0, (notBefore.get(instance) ?? 0) - at)
  return {
    inOrder: () => {
      const at = now()
      const next = turn % Math.max(1, all.length)
      turn = next + 1
      return [...all.slice(next), ...all.slice(0, next)].toSorted((a, b) => waitOf(a, at) - waitOf(b, at))
    },
    passOver: (instance, forMs = COOL_DOWN_MS) => {
      if (all.includes(instance)) notBefore.set(instance, now() + forMs)
    },
    replace: (others) => {
      all = others
      for (const instance of notBefore.keys()) if (!all.includes(instance)) notBefore.delete(instance)
    },
  }
}
