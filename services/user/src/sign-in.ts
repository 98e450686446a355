import { ok, type Result } from '@micromart/kernel/result'
import type { Database } from '@micromart/postgres/database'
import { type Accounts, badCredentials, publicPart, type SignInRefusal } from './accounts.ts'
import type { User } from './domain/account.ts'
import type { SignInAttempt, Users } from './ports.ts'
import type { Sessions, SignedIn, SignInFacts } from './sessions.ts'

export interface Entrance {
  signIn(
    attempt: SignInAttempt & { password: string; userAgent: string | undefined },
  ): Promise<Result<SignedIn & { readonly user: User }, SignInRefusal>>
  /** For an account that was made a moment ago. */
  enter(user: User, facts: SignInFacts): Promise<SignedIn>
}

/** Where people come in: whoever has proved who they are gets a session. */
export function createEntrance(parts: {
  database: Database
  accounts: Accounts
  users: Users
  sessions: Sessions
}): Entrance {
  const { database, accounts, users, sessions } = parts
  return {
    async signIn({ userAgent, ...attempt }) {
      const proved = await accounts.prove(attempt)
      if (!proved.ok) return proved
      return database.transaction(async (tx) => {
        const account = await users.lock(tx, proved.value.id)
        // somebody who just changed the password means to keep out whoever knows the old one
        if (account?.passwordHash !== proved.value.passwordHash) return badCredentials
        const user = publicPart(account)
        return ok({ user, ...(await sessions.open(tx, user, { userAgent, method: 'password' })) })
      })
    },
    enter: (user, facts) => database.transaction((tx) => sessions.open(tx, user, facts)),
  }
}
