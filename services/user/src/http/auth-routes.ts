import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, type StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { ok } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { Accounts } from '../accounts.ts'
import type { AccountRefusal, User } from '../domain/account.ts'
import type { PasswordRefusal } from '../domain/password.ts'
import type { Passwords } from '../ports.ts'
import type { AskForAccount } from '../registration.ts'
import type { RefreshRefusal, Sessions } from '../sessions.ts'
import type { Entrance } from '../sign-in.ts'
import { Nothing } from './account-schemas.ts'
import { userAgentOf } from './request-facts.ts'
import { admissionBody, signedInBody } from './signed-in.ts'
import { RefreshBody, RegisterBody, SignedInBody } from './user-schemas.ts'

const statuses = {
  'user.email-invalid': 400,
  'user.name-invalid': 400,
  'user.password-too-common': 400,
  'user.email-taken': 409,
  'user.refresh-token-invalid': 401,
} satisfies StatusTable<(AccountRefusal | PasswordRefusal | RefreshRefusal)['code'] | 'user.email-taken'>

export interface AuthRoutes {
  readonly accounts: Accounts
  readonly entrance: Entrance
  readonly sessions: Sessions
  readonly passwords: Passwords
  /** Where set, nobody learns from registering whether an address has an account, and one signs in when it is proven. */
  readonly askForAccount: AskForAccount | undefined
  readonly write: IdempotentWrite
}

export function authRoutes(http: HttpServer, parts: AuthRoutes): void {
  const { accounts, entrance, sessions, passwords, askForAccount } = parts
  const answer = writeHandler(parts.write, { statuses })

  http.post('/api/v1/auth/register', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary:
        'Open an account: 202 whether the address has one or not, and a mail says more; 201 where the shop signs in at once',
      body: RegisterBody,
      response: { 201: SignedInBody, 202: Nothing },
    },
    // the answer that is kept for repeats holds the user alone; the tokens are made each time and stored nowhere
    onSend: async (request, reply, payload) => {
      if (reply.statusCode !== 201 || typeof payload !== 'string') return payload
      const user = JSON.parse(payload) as User
      const admitted = await entrance.admit(user.id, { userAgent: userAgentOf(request), method: 'registration' })
      if (!admitted) throw kitProblem('auth.invalid-token', 'This account was closed meanwhile')
      return JSON.stringify(admissionBody(reply, admitted, 201))
    },
    handler: async (request, reply) => {
      const account = await accounts.prepare(request.body)
      if (!account.ok) throw refusalProblem(account.error, statuses)
      const key = request.headers['idempotency-key']
      // the kit keeps a quick digest of the body with the key: a quick digest of a password would be easy to guess from
      if (typeof key === 'string') request.body.password = await passwords.fingerprint(request.body.password, key)
      return answer(request, reply, async (tx) => {
        if (askForAccount) {
          await askForAccount(tx, account.value)
          return ok({ status: 202 })
        }
        const added = await accounts.add(tx, account.value)
        return added.ok ? ok({ status: 201, body: added.value }) : added
      })
    },
  })

  http.post('/api/v1/auth/refresh', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'New tokens for a refresh token, which is good for this once',
      body: RefreshBody,
      response: { 200: SignedInBody },
    },
    handler: async (request, reply) => {
      const result = await sessions.refresh(request.body.refreshToken)
      if (!result.ok) throw refusalProblem(result.error, statuses)
      return signedInBody(reply, result.value)
    },
  })
}
