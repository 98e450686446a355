import type { Stop } from './source.ts'

/**
 * Does the same again and again: each turn ends before the next begins, and says how long to pause before it. `signal` ends what a turn
 * waits for when all is stopped.
 */
export function repeat(turn: (signal: AbortSignal) => Promise<number>): Stop {
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const next = async () => {
    const pauseMs = await turn(stopping.signal)
    if (!stopping.signal.aborted) timer = setTimeout(() => void next(), pauseMs)
  }
  void next()
  return () => {
    stopping.abort()
    clearTimeout(timer)
  }
}
