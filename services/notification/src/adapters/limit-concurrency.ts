/**
 * At most `running` pieces of work at once; who does not get a place within `waitMs` gets `undefined` and has done nothing.
 */
export function limitConcurrency({ running, waitMs }: { running: number; waitMs: number }) {
  const queue = new Set<(place: boolean) => void>()
  let free = running

  const enter = (): Promise<boolean> => {
    if (free > 0) {
      free -= 1
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const settle = (place: boolean) => {
        clearTimeout(timer)
        queue.delete(settle)
        resolve(place)
      }
      const timer = setTimeout(() => settle(false), waitMs)
      queue.add(settle)
    })
  }
  const leave = () => {
    const [next] = queue
    if (next) next(true)
    else free += 1
  }

  return async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (!(await enter())) return undefined
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
