import type { Clock } from '@micromart/kernel/clock'

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  advance(ms: number): void
}

export function fakeClock(start = '2026-11-21T12:00:00.000Z'): FakeClock {
  let nowMs = Date.parse(start)
  return {
    now: () => new Date(nowMs),
    advance: (ms) => {
      nowMs += ms
    },
  }
}
