import type { Ids } from '@micromart/kernel/ids'
import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import { type AccountRefusal, normaliseEmail, parseEmail, parseName, type User } from './domain/account.ts'
import { checkPassword, type IsCommonPassword, type PasswordRefusal } from './domain/password.ts'
import type { MailLink } from './mail-links.ts'
import type { Account, Passwords, SignInAttempt, SignInThrottle, Users } from './ports.ts'

export type SignInRefusal =
  | Refusal<'user.bad-credentials'>
  | (Refusal<'user.too-many-attempts'> & { readonly waitMs: number })

export interface Accounts {
  /** Checks and hashes; nothing is stored yet. */
  prepare(wish: {
    email: string
    name: string
    password: string
  }): Promise<Result<Account, AccountRefusal | PasswordRefusal>>
  /** Also has the link mailed that verifies the address. */
  add(tx: Transaction, account: Account): Promise<Result<User, Refusal<'user.email-taken'>>>
  /** The account whose password this is; what refuses here stands in the audit log. */
  prove(attempt: SignInAttempt & { password: string }): Promise<Result<Account, SignInRefusal>>
}

/** Registration and sign-in: the same work and the same words whether an address is known or not. */
export function createAccounts(parts: {
  users: Users
  passwords: Passwords
  throttle: SignInThrottle
  ids: Ids
  isCommon: IsCommonPassword
  mailLink: MailLink
  /** Nobody signs in before the address was proven. */
  needsVerifiedEmail: boolean
  database: Database
  audit: AuditLog
}): Accounts {
  const { users, passwords, throttle, ids, isCommon, mailLink, needsVerifiedEmail, database, audit } = parts

  /** Also for an address that nobody has: the time it takes must not tell. */
  const noteFailure = (userId: string | undefined) =>
    database.transaction((tx) =>
      audit.append(tx, { actor: 'nobody', action: 'user.sign-in-failed', subject: userId ?? 'nobody', details: {} }),
    )

  return {
    async prepare({ email: emailText, name: nameText, password }) {
      const email = parseEmail(emailText)
      if (!email.ok) return email
      const name = parseName(nameText)
      if (!name.ok) return name
      const fit = checkPassword(password, { email: email.value, name: name.value, isCommon })
      if (!fit.ok) return fit
      const passwordHash = await passwords.hash(password)
      const person = { email: email.value, emailVerified: false, name: name.value }
      return ok({ ...person, id: ids.next(), roles: ['customer'], passwordHash })
    },

    async add(tx, account) {
      if (!(await users.add(tx, account)))
        return refuse('user.email-taken', 'There is an account with this e-mail address already; sign in instead')
      await mailLink(tx, { account, purpose: 'verify-email' })
      return ok(publicPart(account))
    },

    async prove({ email: emailText, clientAddress, password }) {
      const attempt = { email: normaliseEmail(emailText), clientAddress }
      const waitMs = await throttle.waitMs(attempt)
      if (waitMs > 0) {
        const detail = 'Too many attempts to sign in have failed; try again later'
        return err({ code: 'user.too-many-attempts' as const, detail, waitMs })
      }
      // what cannot be an address is not looked for, but costs the same
      const account = parseEmail(emailText).ok ? await users.findByEmail(attempt.email) : undefined
      const isRight = await passwords.verify(account?.passwordHash, password)
      // to somebody who just registered an address an account of their own must look as one of somebody else
      const mayEnter = isRight && (account?.emailVerified || !needsVerifiedEmail)
      if (!account || !mayEnter) {
        await Promise.all([throttle.failed(attempt), noteFailure(account?.id)])
        return badCredentials
      }
      await throttle.succeeded(attempt)
      return ok(account)
    },
  }
}

export const badCredentials = refuse(
  'user.bad-credentials',
  'The e-mail address or the password is wrong, or the address was never confirmed',
)

export const publicPart = ({ id, email, emailVerified, name, roles }: User): User => ({
  id,
  email,
  emailVerified,
  name,
  roles,
})
