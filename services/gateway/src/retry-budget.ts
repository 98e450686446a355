/** Keeps repeated requests a small part of all, so that a service in trouble does not get more to do than before. */
export interface RetryBudget {
  /** A request was sent for the first time. */
  sent(): void
  /** Takes one repetition if there is one left. */
  take(): boolean
}

/** @param share how many repetitions each request allows @param most saved up at the most; there at the beginning */
export function createRetryBudget(share = 0.1, most = 10): RetryBudget {
  let saved = most
  return {
    sent: () => {
      saved = Math.min(most, saved + share)
    },
    take: () => {
      if (saved < 1) return false
      saved -= 1
      return true
    },
  }
}
