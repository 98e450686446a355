import { ok, type Result } from '@micromart/kernel/result'
import type { Database, Transaction } from '@micromart/postgres/database'
import { type Accounts, badCredentials, publicPart, type SignInRefusal } from './accounts.ts'
import type { User } from './domain/account.ts'
import type { Account, SignInAttempt, Users } from './ports.ts'
import type { SecondFactors } from './second-factors.ts'
import type { Sessions, SignedIn, SignInFacts } from './sessions.ts'
import { type Challenge, type ChallengeRefusal, challengeUnknown, type SignInChallenges } from './sign-in-challenges.ts'

/** Somebody with a second factor still owes it. */
export type Admission =
  | ({ readonly kind: 'signed-in'; readonly user: User } & SignedIn)
  | ({ readonly kind: 'challenged' } & Challenge)

export interface Entrance {
  signIn(
    attempt: SignInAttempt & { password: string; userAgent: string | undefined },
  ): Promise<Result<Admission, SignInRefusal>>
  /** For somebody whom a provider has vouched for, or who has opened the account. Undefined for an account that was closed meanwhile. */
  admit(userId: string, facts: SignInFacts): Promise<Admission | undefined>
  answerChallenge(answer: {
    challenge: string
    code: string
    userAgent: string | undefined
  }): Promise<Result<SignedIn & { readonly user: User }, ChallengeRefusal>>
}

/** Where people come in: whoever has proved who they are gets a session. */
export function createEntrance(parts: {
  database: Database
  accounts: Accounts
  users: Users
  sessions: Sessions
  challenges: SignInChallenges
  secondFactors: SecondFactors
}): Entrance {
  const { database, accounts, users, sessions, challenges, secondFactors } = parts

  const admit = async (tx: Transaction, account: Account, facts: SignInFacts): Promise<Admission> => {
    const owed = await challenges.challengeFor(tx, account.id)
    if (owed) return { kind: 'challenged', ...owed }
    const user = publicPart(account)
    return { kind: 'signed-in', user, ...(await sessions.open(tx, user, facts)) }
  }

  return {
    async signIn({ userAgent, ...attempt }) {
      const proved = await accounts.prove(attempt)
      if (!proved.ok) return proved
      return database.transaction(async (tx) => {
        const account = await users.lock(tx, proved.value.id)
        // somebody who just changed the password means to keep out whoever knows the old one
        if (account?.passwordHash !== proved.value.passwordHash) return badCredentials
        return ok(await admit(tx, account, { userAgent, method: 'password' }))
      })
    },

    admit: (userId, facts) =>
      database.transaction(async (tx) => {
        const account = await users.lock(tx, userId)
        return account && admit(tx, account, facts)
      }),

    answerChallenge: ({ challenge, code, userAgent }) =>
      database.transaction(async (tx) => {
        const userId = await challenges.accountOf(tx, challenge)
        if (!userId.ok) return userId
        const account = await users.lock(tx, userId.value)
        if (!account) return challengeUnknown
        const proof = await challenges.answer(tx, { challenge, code, userId: account.id })
        if (!proof.ok) return proof
        const user = publicPart(account)
        const method = proof.value.by === 'app' ? 'second-factor' : 'recovery-code'
        const signedIn = await sessions.open(tx, user, { userAgent, method })
        await secondFactors.noteProof(tx, user.id, proof.value)
        return ok({ user, ...signedIn })
      }),
  }
}
