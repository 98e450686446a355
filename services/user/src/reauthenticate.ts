import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import type { OpenAccount, OpenAccounts } from './account-ports.ts'
import type { Passwords, SignInThrottle } from './ports.ts'

export type WrongPassword = Refusal<'user.wrong-password'>
export type ReauthenticationRefusal =
  | WrongPassword
  | (Refusal<'user.too-many-attempts'> & { readonly waitMs: number })
  | Refusal<'user.unknown'>

/** Asks somebody who is signed in for the password once more. Wrong ones count as failed sign-ins, so that a stolen token guesses no faster, and stand in the audit log. */
export type Reauthenticate = (claim: {
  userId: string
  password: string
  clientAddress: string | undefined
}) => Promise<Result<OpenAccount, ReauthenticationRefusal>>

const wrongPassword = refuse('user.wrong-password', 'This is not the password of your account')

export const reauthentication =
  (parts: {
    accounts: OpenAccounts
    passwords: Passwords
    throttle: SignInThrottle
    database: Database
    audit: AuditLog
  }): Reauthenticate =>
  async ({ userId, password, clientAddress }) => {
    const { accounts, passwords, throttle, database, audit } = parts
    const account = await accounts.find(userId)
    if (!account) return refuse('user.unknown', 'There is no such user')
    const attempt = { email: account.email, clientAddress }
    const waitMs = await throttle.waitMs(attempt)
    if (waitMs > 0) {
      const detail = 'Too many wrong passwords were given; try again later'
      return err({ code: 'user.too-many-attempts' as const, detail, waitMs })
    }
    if (!(await passwords.verify(account.passwordHash, password))) {
      await throttle.failed(attempt)
      const failure = { actor: userId, action: 'user.reauthentication-failed', subject: userId, details: {} }
      await database.transaction((tx) => audit.append(tx, failure))
      return wrongPassword
    }
    await throttle.succeeded(attempt)
    return ok(account)
  }

/** The account under its lock, if the password that was proven a moment ago is still the one. */
export async function provenLock(
  tx: Transaction,
  { accounts, proven }: { accounts: OpenAccounts; proven: OpenAccount },
): Promise<Result<OpenAccount, WrongPassword>> {
  const account = await accounts.lock(tx, proven.id)
  return account && account.passwordHash === proven.passwordHash ? ok(account) : wrongPassword
}
