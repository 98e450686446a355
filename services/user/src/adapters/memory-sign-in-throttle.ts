import { createHash } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import type { SignInAttempt, SignInThrottle } from '../ports.ts'

const WINDOW_MS = 15 * 60_000
/** Many people may sign in from one address, so it gets more failures than one account. */
const ADDRESS_FACTOR = 10
const MOST_REMEMBERED = 20_000

interface Failures {
  count: number
  readonly endsAt: number
}

/**
 * Counts failed sign-ins per account and per client address, from the first failure for 15 minutes. It lives in this process and
 * forgets the oldest when it holds 20,000: several instances each count for themselves, and a restart starts anew. That keeps a
 * guesser to a few hundred tries a day per account and instance; the gateway's limits stand in front of it. Attempts that run at
 * the same time are counted when they have failed, so the queue for hashing bounds how many slip through together.
 */
export function memorySignInThrottle({ clock, mostFailures }: { clock: Clock; mostFailures: number }): SignInThrottle {
  const failures = new Map<string, Failures>()

  const current = (key: string): Failures | undefined => {
    const known = failures.get(key)
    return known && known.endsAt > clock.now().getTime() ? known : undefined
  }
  const waitFor = ({ key, most }: Counted): number => {
    const known = current(key)
    return known && known.count >= most ? known.endsAt - clock.now().getTime() : 0
  }
  const count = ({ key }: Counted) => {
    const known = current(key)
    if (known) {
      known.count += 1
      return
    }
    failures.delete(key) // so that it moves to the end of the map, among the youngest
    if (failures.size >= MOST_REMEMBERED) failures.delete(failures.keys().next().value ?? '')
    failures.set(key, { count: 1, endsAt: clock.now().getTime() + WINDOW_MS })
  }
  const counted = (attempt: SignInAttempt) => countedFor(attempt, mostFailures)

  return {
    waitMs: (attempt) => Math.max(...counted(attempt).map(waitFor)),
    failed: (attempt) => counted(attempt).forEach(count),
    // only the account is forgiven: somebody who owns one account must not get fresh tries at others with it
    succeeded: ({ email }) => void failures.delete(emailKey(email)),
  }
}

interface Counted {
  readonly key: string
  readonly most: number
}

function countedFor({ email, clientAddress }: SignInAttempt, mostFailures: number): readonly Counted[] {
  const account = { key: emailKey(email), most: mostFailures }
  return clientAddress === undefined
    ? [account]
    : [account, { key: `address:${clientAddress}`, most: mostFailures * ADDRESS_FACTOR }]
}

/** A digest: bounded in size, and no list of addresses in memory. */
const emailKey = (email: string) => `email:${createHash('sha256').update(email).digest('base64url')}`
