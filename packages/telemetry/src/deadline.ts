/** How long somebody still waits for an answer. */
export interface Deadline {
  /** Below zero once it is over; infinite once it is lifted. */
  remainingMs(): number
  /** From now on there is no hurry: something has been committed, or answered. */
  lift(): void
}

/** @param now a clock that only goes forward, in ms */
export function deadlineIn(lengthMs: number, now: () => number = () => performance.now()): Deadline {
  let dueAtMs = now() + lengthMs
  return {
    remainingMs: () => dueAtMs - now(),
    lift: () => {
      dueAtMs = Number.POSITIVE_INFINITY
    },
  }
}

/** Nothing was done, for nobody waits for it any more. */
export class DeadlineOver extends Error {
  constructor() {
    super('The time in which an answer was waited for is over')
    this.name = 'DeadlineOver'
  }
}
