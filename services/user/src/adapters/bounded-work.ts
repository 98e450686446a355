/** Runs at most `running` pieces of work at once and lets at most `waiting` more wait; beyond that it calls `refuse`, which throws. */
export function boundedWork(limits: { running: number; waiting: number; refuse: () => never }) {
  const queue: (() => void)[] = []
  let running = 0

  const enter = async () => {
    if (running < limits.running) running += 1
    else if (queue.length < limits.waiting) await new Promise<void>((resolve) => queue.push(resolve))
    else limits.refuse()
  }
  /** The place goes straight to the next in line. */
  const leave = () => {
    const next = queue.shift()
    if (next) next()
    else running -= 1
  }

  return async <T>(work: () => Promise<T>): Promise<T> => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
