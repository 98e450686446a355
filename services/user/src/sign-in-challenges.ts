import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Database, Queryable, Transaction } from '@micromart/postgres/database'
import type { CodeRefusal, SecondFactors } from './second-factors.ts'

/** Where the challenges are: each is known by a hash alone. */
export interface Challenges {
  open(db: Queryable, challenge: { hash: string; userId: string; triesLeft: number; expiresAt: Date }): Promise<void>
  /** The account of one that has a try left; nobody else uses it until the transaction ends. */
  lock(tx: Transaction, hash: string): Promise<string | undefined>
  spendTry(tx: Transaction, hash: string): Promise<void>
  close(tx: Transaction, hash: string): Promise<void>
}

export type ChallengeRefusal = CodeRefusal | Refusal<'user.challenge-unknown'>

export interface SignInChallenges {
  /** Undefined for an account without a second factor. `expiresIn` is in seconds. */
  challengeFor(userId: string): Promise<{ readonly challenge: string; readonly expiresIn: number } | undefined>
  /** Runs `signIn` for the account in the transaction that uses up challenge and code. */
  complete<T>(
    answer: { challenge: string; code: string },
    signIn: (tx: Transaction, userId: string) => Promise<T>,
  ): Promise<Result<T, ChallengeRefusal>>
}

const TTL_S = 300
const TRIES = 5
const CHALLENGE_BYTES = 32

const hashOf = (challenge: string) => createHash('sha256').update(challenge).digest('base64url')

const isUnknown = refuse('user.challenge-unknown', 'This sign-in is over or has failed too often; sign in again')

/** The time between password and second factor: five minutes and five tries, with a secret that is good for nothing else. */
export function createSignInChallenges(parts: {
  database: Database
  challenges: Challenges
  secondFactors: SecondFactors
  clock: Clock
}): SignInChallenges {
  const { database, challenges, secondFactors, clock } = parts
  return {
    challengeFor: async (userId) => {
      if (!(await secondFactors.statusOf(userId)).isOn) return undefined
      const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url')
      const expiresAt = new Date(clock.now().getTime() + TTL_S * 1_000)
      await challenges.open(database, { hash: hashOf(challenge), userId, triesLeft: TRIES, expiresAt })
      return { challenge, expiresIn: TTL_S }
    },

    complete: ({ challenge, code }, signIn) => {
      const hash = hashOf(challenge)
      return database.transaction(async (tx) => {
        const userId = await challenges.lock(tx, hash)
        if (userId === undefined) return isUnknown
        const proved = await secondFactors.prove(tx, userId, code)
        if (!proved.ok) {
          if (proved.error.code !== 'user.second-factor-waits') await challenges.spendTry(tx, hash)
          return proved
        }
        await challenges.close(tx, hash)
        const signedIn = await signIn(tx, userId)
        await secondFactors.noteProof(tx, userId, proved.value)
        return ok(signedIn)
      })
    },
  }
}
