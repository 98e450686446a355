import { etagOf, matches } from '@micromart/http-kit/etag'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { AccountChanges, OpenAccount, OpenAccounts } from '../account-ports.ts'
import type { CloseAccount, CloseRefusal } from '../close-account.ts'
import { type AccountRefusal, parseName } from '../domain/account.ts'
import { type ProfileRefusal, parseLocale } from '../domain/profile.ts'
import type { Passwords } from '../ports.ts'
import { KnownPassword, Nothing, ProfileBody, ProfileChangeBody, profileOf } from './account-schemas.ts'
import { hidePasswords, ownId, type ProofRefusal, type Prove, stillOpen } from './own-account.ts'

const statuses = {
  'user.email-invalid': 400,
  'user.locale-invalid': 400,
  'user.name-invalid': 400,
  'user.wrong-password': 403,
  'user.last-admin': 409,
  'user.version-mismatch': 412,
  'user.too-many-attempts': 429,
} satisfies StatusTable<
  (AccountRefusal | CloseRefusal | ProfileRefusal | ProofRefusal | Refusal<'user.version-mismatch'>)['code']
>

export interface ProfileRoutes {
  readonly accounts: OpenAccounts
  readonly changes: AccountChanges
  readonly close: CloseAccount
  readonly prove: Prove
  readonly passwords: Passwords
  readonly write: IdempotentWrite
  readonly clock: Clock
}

export function profileRoutes(http: HttpServer, parts: ProfileRoutes): void {
  const { accounts, changes, close, prove, passwords, clock } = parts
  const answer = writeHandler(parts.write, { statuses })

  http.get('/api/v1/users/me', {
    config: { access: 'signed-in' },
    schema: { tags: ['users'], summary: 'Who I am', response: { 200: ProfileBody } },
    handler: async (request, reply) => {
      const account = stillOpen(await accounts.find(ownId(request)))
      reply.header('etag', etagOf(account)).header('cache-control', 'no-store')
      return profileOf(account)
    },
  })

  http.patch('/api/v1/users/me', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Change what I say of myself; what is left out stays',
      body: ProfileChangeBody,
      response: { 200: ProfileBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const account = stillOpen(await accounts.lock(tx, ownId(request)))
        if (!matches(request.headers['if-match'], account))
          return refuse('user.version-mismatch', 'The profile has changed since; read it again')
        const changed = withChanges(account, request.body, clock.now())
        if (!changed.ok) return changed
        changes.saveProfile(tx, changed.value)
        const saved = { ...changed.value, version: account.version + 1 }
        return ok({ status: 200, headers: { etag: etagOf(saved) }, body: profileOf(saved) })
      }),
  })

  http.post('/api/v1/users/me/close', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Close my account for good',
      body: Type.Object({ password: KnownPassword }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const proof = await prove(request, reply)
      await hidePasswords(request, passwords)
      return answer(request, reply, async (tx) => {
        if (!proof.ok) return proof
        const closed = await close(tx, proof.value)
        return closed.ok ? ok({ status: 204 }) : closed
      })
    },
  })
}

/** Consent keeps the moment it was given first. */
function withChanges(
  account: OpenAccount,
  wish: ProfileChangeBody,
  now: Date,
): Result<OpenAccount, AccountRefusal | ProfileRefusal> {
  const name = wish.name === undefined ? ok(account.name) : parseName(wish.name)
  if (!name.ok) return name
  const locale =
    typeof wish.locale === 'string' ? parseLocale(wish.locale) : ok(wish.locale === null ? null : account.locale)
  if (!locale.ok) return locale
  const { marketingConsent: consents = account.marketingConsentAt !== null } = wish
  const marketingConsentAt = consents ? (account.marketingConsentAt ?? now) : null
  return ok({ ...account, name: name.value, locale: locale.value, marketingConsentAt })
}
