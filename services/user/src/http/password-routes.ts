import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { ok, type Result } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { MailThrottle, OpenAccount, OpenAccounts } from '../account-ports.ts'
import { type AccountRefusal, parseEmail } from '../domain/account.ts'
import { checkPassword, type IsCommonPassword, type PasswordRefusal } from '../domain/password.ts'
import type { TooManyMails } from '../mail-links.ts'
import type { NewPassword } from '../new-password.ts'
import { type LinkRefusal, linkInvalid, type OpenLink } from '../open-link.ts'
import type { Passwords } from '../ports.ts'
import type { RequestReset } from '../request-reset.ts'
import { Email, KnownPassword, NewPasswordText, Nothing, Token } from './account-schemas.ts'
import { admitted, hidePasswords, type ProofRefusal, type Prove } from './own-account.ts'

const statuses = {
  'user.email-invalid': 400,
  'user.name-invalid': 400,
  'user.password-too-common': 400,
  'user.wrong-password': 403,
  'user.link-invalid': 422,
  'user.too-many-attempts': 429,
  'user.too-many-mails': 429,
} satisfies StatusTable<(AccountRefusal | LinkRefusal | PasswordRefusal | ProofRefusal | TooManyMails)['code']>

export interface PasswordRoutes {
  readonly accounts: OpenAccounts
  readonly passwords: Passwords
  readonly isCommon: IsCommonPassword
  readonly mailThrottle: MailThrottle
  readonly requestReset: RequestReset
  readonly newPassword: NewPassword
  readonly openLink: OpenLink
  readonly prove: Prove
  readonly write: IdempotentWrite
}

export function passwordRoutes(http: HttpServer, parts: PasswordRoutes): void {
  const { accounts, passwords, isCommon, mailThrottle, requestReset, newPassword, openLink, prove } = parts
  const answer = writeHandler(parts.write, { statuses })

  /** Checks first: hashing is dear. */
  const hashFor = async (account: OpenAccount, wanted: string): Promise<Result<string, PasswordRefusal>> => {
    const fit = checkPassword(wanted, { ...account, isCommon })
    return fit.ok ? ok(await passwords.hash(wanted)) : fit
  }

  http.post('/api/v1/users/me/password', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Change my password; all other sessions end',
      body: Type.Object({ password: KnownPassword, newPassword: NewPasswordText }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const proof = await prove(request, reply)
      const hash = proof.ok ? await hashFor(proof.value, request.body.newPassword) : proof
      await hidePasswords(request, passwords)
      const sessionId = request.caller.kind === 'user' ? request.caller.sessionId : undefined
      return answer(request, reply, async (tx) => {
        if (!proof.ok) return proof
        if (!hash.ok) return hash
        const changed = await newPassword.change(tx, { proven: proof.value, passwordHash: hash.value, sessionId })
        return changed.ok ? ok({ status: 204 }) : changed
      })
    },
  })

  http.post('/api/v1/auth/password-resets', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'Mail a link to set a new password, if the address has an account; the answer is the same if not',
      body: Type.Object({ email: Email }, { additionalProperties: false }),
      response: { 202: Nothing },
    },
    handler: async (request, reply) => {
      const email = parseEmail(request.body.email)
      if (!email.ok) throw refusalProblem(email.error, statuses)
      const attempt = { email: email.value, clientAddress: forwardedAddress(request.headers) }
      const mayMail = await admitted(reply, mailThrottle, attempt)
      return answer(request, reply, async (tx) => {
        if (!mayMail.ok) return mayMail
        await requestReset(tx, email.value)
        return ok({ status: 202 })
      })
    },
  })

  http.post('/api/v1/auth/password-resets/confirm', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'Set a new password with the token of a mailed link; all sessions end',
      body: Type.Object({ token: Token, newPassword: NewPasswordText }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const link = await openLink(request.body.token, 'reset-password')
      const account = link && (await accounts.find(link.userId))
      const hash = account && (await hashFor(account, request.body.newPassword))
      await hidePasswords(request, passwords)
      return answer(request, reply, async (tx) => {
        if (!link || !hash) return linkInvalid
        if (!hash.ok) return hash
        const reset = await newPassword.reset(tx, { link, passwordHash: hash.value })
        return reset.ok ? ok({ status: 204 }) : reset
      })
    },
  })
}
