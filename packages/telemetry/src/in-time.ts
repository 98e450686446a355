import { currentContext } from './context.ts'
import { DeadlineOver } from './deadline.ts'

/** What is left to the work that runs, at most `mostMs`. @throws DeadlineOver when that is nothing */
export function timeLeft(mostMs: number): number {
  const leftMs = currentContext()?.deadline?.remainingMs() ?? mostMs
  if (leftMs <= 0) throw new DeadlineOver()
  return Math.min(mostMs, leftMs)
}

/**
 * Waits for something that there is not enough of, no longer than the work that runs has time; what comes later is given back.
 * @throws DeadlineOver
 */
export async function inTime<T>(ask: () => Promise<T>, giveBack: (late: T) => void): Promise<T> {
  const leftMs = timeLeft(Number.POSITIVE_INFINITY)
  if (leftMs === Number.POSITIVE_INFINITY) return ask()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    reject(new DeadlineOver())
  }, leftMs)
  ask().then(
    (got) => {
      clearTimeout(timer)
      if (isLate) giveBack(got)
      else resolve(got)
    },
    (error) => {
      clearTimeout(timer)
      reject(error)
    },
  )
  return promise
}
