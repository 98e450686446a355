import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { CodeRefusal, Proof, SecondFactors } from './second-factors.ts'

/** Where the challenges are: each is known by a hash alone, and one that has expired or has no try left is as good as gone. */
export interface ChallengeStore {
  open(tx: Transaction, challenge: { hash: string; userId: string; triesLeft: number; expiresAt: Date }): void
  accountOf(tx: Transaction, hash: string): Promise<string | undefined>
  /** False when it is gone; nobody else uses it until the transaction ends. */
  lock(tx: Transaction, hash: string): Promise<boolean>
  spendTry(tx: Transaction, hash: string): void
  close(tx: Transaction, hash: string): void
  closeAll(tx: Transaction, userId: string): void
}

export interface Challenge {
  readonly challenge: string
  /** Seconds. */
  readonly expiresIn: number
}

export type ChallengeRefusal = CodeRefusal | Refusal<'user.challenge-unknown'>

export interface SignInChallenges {
  /** Undefined for an account without a second factor. */
  challengeFor(tx: Transaction, userId: string): Promise<Challenge | undefined>
  accountOf(tx: Transaction, challenge: string): Promise<Result<string, ChallengeRefusal>>
  /** Uses up challenge and code. The account is locked, and refusals, which are counted, are committed. */
  answer(
    tx: Transaction,
    answer: { challenge: string; code: string; userId: string },
  ): Promise<Result<Proof, ChallengeRefusal>>
  /** Ends all sign-ins to the account that are under way. */
  endAll(tx: Transaction, userId: string): void
}

const TTL_S = 300
const TRIES = 5
const CHALLENGE_BYTES = 32

const hashOf = (challenge: string) => createHash('sha256').update(challenge).digest('base64url')

export const challengeUnknown = refuse(
  'user.challenge-unknown',
  'This sign-in is over or has failed too often; sign in again',
)

/** The time between password and second factor: five minutes and five tries, with a secret that is good for nothing else. */
export function createSignInChallenges(parts: {
  store: ChallengeStore
  secondFactors: SecondFactors
  clock: Clock
}): SignInChallenges {
  const { store, secondFactors, clock } = parts
  return {
    challengeFor: async (tx, userId) => {
      if (!(await secondFactors.isOn(tx, userId))) return undefined
      const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url')
      const expiresAt = new Date(clock.now().getTime() + TTL_S * 1_000)
      store.open(tx, { hash: hashOf(challenge), userId, triesLeft: TRIES, expiresAt })
      return { challenge, expiresIn: TTL_S }
    },

    accountOf: async (tx, challenge) => {
      const userId = await store.accountOf(tx, hashOf(challenge))
      return userId === undefined ? challengeUnknown : ok(userId)
    },

    answer: async (tx, { challenge, code, userId }) => {
      const hash = hashOf(challenge)
      if (!(await store.lock(tx, hash))) return challengeUnknown
      const proved = await secondFactors.prove(tx, userId, code)
      if (proved.ok) store.close(tx, hash)
      else if (proved.error.code !== 'user.second-factor-waits') store.spendTry(tx, hash)
      return proved
    },

    endAll: (tx, userId) => store.closeAll(tx, userId),
  }
}
