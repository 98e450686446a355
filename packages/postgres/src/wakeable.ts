/** A pause that ends early when somebody calls `wake`; a wake during work shortens the next pause to nothing. */
export interface Wakeable {
  wake(): void
  pause(ms: number): Promise<void>
}

export function createWakeable(): Wakeable {
  let woken = false
  let resume: (() => void) | undefined
  return {
    wake() {
      woken = true
      resume?.()
    },
    async pause(ms) {
      if (!woken)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          resume = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      resume = undefined
      woken = false
    },
  }
}

/** Doubles from `firstMs` to at most `mostMs`, give or take a fifth, so that many who failed together do not come back together. */
export const backOffMs = (attempt: number, { firstMs = 100, mostMs = 30_000 } = {}): number =>
  Math.round(Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30)) * (0.8 + Math.random() * 0.4))

/** A pause that ends early when the signal is aborted, and is none when it was before. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
