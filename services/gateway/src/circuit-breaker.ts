export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerOptions {
  /** How far back it remembers, in ms. */
  readonly windowMs: number
  /** It opens when this part of the requests of a window has failed, */
  readonly failureRatio: number
  /** but never with fewer requests than this. */
  readonly leastRequests: number
  /** How long nothing is asked then, in ms. */
  readonly openMs: number
  /** How many are let through at once to see whether it works again, and how many of them must succeed in a row. */
  readonly trials: number
  /** In ms; never goes back. */
  readonly now: () => number
}

/** Stops asking what mostly fails, so that it can recover and nobody waits in vain (Nygard, Release It!, "Circuit Breaker"). */
export interface CircuitBreaker {
  /** @returns a pass to report with, or undefined while nothing may be asked */
  admit(): number | undefined
  /** What became of it, once for each pass. `unknown` says nothing, such as a client that went away. What was let in before the last change of state is not counted. */
  report(pass: number, result: 'succeeded' | 'failed' | 'unknown'): void
  state(): BreakerState
}

const SLOTS = 10

export function createCircuitBreaker(options: BreakerOptions): CircuitBreaker {
  const { windowMs, failureRatio, leastRequests, openMs, trials, now } = options
  const slotMs = windowMs / SLOTS
  const succeeded = new Array<number>(SLOTS).fill(0)
  const failed = new Array<number>(SLOTS).fill(0)
  let slot = Math.floor(now() / slotMs)
  let state: BreakerState = 'closed'
  let pass = 0
  let openedAt = 0
  let onTrial = 0
  let proven = 0

  const become = (next: BreakerState) => {
    state = next
    pass += 1
    onTrial = 0
    proven = 0
    if (next === 'open') openedAt = now()
    if (next === 'closed') clear(SLOTS)
  }

  /** Forgets the slots that are out of the window by now. */
  const clear = (count: number) => {
    for (let index = 0; index < Math.min(count, SLOTS); index += 1) {
      succeeded[(slot - index + SLOTS * 2) % SLOTS] = 0
      failed[(slot - index + SLOTS * 2) % SLOTS] = 0
    }
  }

  const moveOn = () => {
    const current = Math.floor(now() / slotMs)
    const passed = current - slot
    if (passed <= 0) return
    slot = current
    clear(passed)
  }

  const count = (slots: number[]) => {
    moveOn()
    slots[slot % SLOTS] = (slots[slot % SLOTS] ?? 0) + 1
  }

  const failsTooMuch = () => {
    const failures = failed.reduce((sum, each) => sum + each, 0)
    const all = succeeded.reduce((sum, each) => sum + each, failures)
    return all >= leastRequests && failures >= all * failureRatio
  }

  const judgeTrial = (result: 'succeeded' | 'failed' | 'unknown') => {
    onTrial -= 1
    if (result === 'failed') return become('open')
    if (result === 'succeeded') proven += 1
    if (proven >= trials) become('closed')
  }

  return {
    admit: () => {
      if (state === 'closed') return pass
      if (state === 'open') {
        if (now() - openedAt < openMs) return undefined
        become('half-open')
      }
      if (onTrial >= trials) return undefined
      onTrial += 1
      return pass
    },
    report: (given, result) => {
      if (given !== pass) return
      if (state === 'half-open') return judgeTrial(result)
      if (result === 'succeeded') return count(succeeded)
      if (result === 'unknown') return
      count(failed)
      if (failsTooMuch()) become('open')
    },
    state: () => state,
  }
}
