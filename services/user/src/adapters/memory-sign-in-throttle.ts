import type { Clock } from '@micromart/kernel/clock'
import type { SignInThrottle } from '../ports.ts'
import { accountKey, type Counter, countersOf, SIGN_IN_WINDOW_MS } from './sign-in-counters.ts'

const MOST_REMEMBERED = 20_000

interface Failures {
  count: number
  readonly endsAt: number
}

/**
 * Counts failed sign-ins per account and per client address, from the first failure for `windowMs` (15 minutes). It lives in this process
 * and forgets the oldest when it holds 20,000: several instances each count for themselves, and a restart starts anew. That keeps a
 * guesser to a few hundred tries a day per account and instance; the gateway's limits stand in front of it. Attempts that run at
 * the same time are counted when they have failed, so the queue for hashing bounds how many slip through together.
 */
export function memorySignInThrottle({
  clock,
  mostFailures,
  windowMs = SIGN_IN_WINDOW_MS,
}: {
  clock: Clock
  mostFailures: number
  windowMs?: number
}): SignInThrottle {
  const failures = new Map<string, Failures>()

  const current = (key: string): Failures | undefined => {
    const known = failures.get(key)
    return known && known.endsAt > clock.now().getTime() ? known : undefined
  }
  const waitFor = ({ key, most }: Counter): number => {
    const known = current(key)
    return known && known.count >= most ? known.endsAt - clock.now().getTime() : 0
  }
  const count = ({ key }: Counter) => {
    const known = current(key)
    if (known) {
      known.count += 1
      return
    }
    failures.delete(key) // so that it moves to the end of the map, among the youngest
    if (failures.size >= MOST_REMEMBERED) failures.delete(failures.keys().next().value ?? '')
    failures.set(key, { count: 1, endsAt: clock.now().getTime() + windowMs })
  }

  return {
    waitMs: async (attempt) => Math.max(...countersOf(attempt, mostFailures).map(waitFor)),
    failed: async (attempt) => countersOf(attempt, mostFailures).forEach(count),
    // only the account is forgiven: somebody who owns one account must not get fresh tries at others with it
    succeeded: async ({ email }) => void failures.delete(accountKey(email)),
  }
}
