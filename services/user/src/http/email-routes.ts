import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { ok, type Refusal } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { MailThrottle } from '../account-ports.ts'
import type { ChangeEmailRefusal, EmailChange } from '../change-email.ts'
import { type AccountRefusal, parseEmail } from '../domain/account.ts'
import { type LinkRefusal, linkInvalid, type OpenLink } from '../open-link.ts'
import type { Passwords } from '../ports.ts'
import type { EmailVerification, VerificationRefusal } from '../verify-email.ts'
import { Email, KnownPassword, Nothing, TokenBody } from './account-schemas.ts'
import { admitted, hidePasswords, noteWait, ownId, type ProofRefusal, type Prove } from './own-account.ts'

const statuses = {
  'user.email-invalid': 400,
  'user.name-invalid': 400,
  'user.wrong-password': 403,
  'user.unknown': 404,
  'user.email-taken': 409,
  'user.email-unchanged': 409,
  'user.email-verified': 409,
  'user.link-invalid': 422,
  'user.too-many-attempts': 429,
  'user.too-many-mails': 429,
} satisfies StatusTable<
  (
    | AccountRefusal
    | ChangeEmailRefusal
    | LinkRefusal
    | ProofRefusal
    | Refusal<'user.email-taken'>
    | VerificationRefusal
  )['code']
>

export interface EmailRoutes {
  readonly verification: EmailVerification
  readonly change: EmailChange
  readonly openLink: OpenLink
  readonly prove: Prove
  readonly passwords: Passwords
  readonly mailThrottle: MailThrottle
  readonly write: IdempotentWrite
}

export function emailRoutes(http: HttpServer, parts: EmailRoutes): void {
  const { verification, change, openLink, prove, passwords, mailThrottle } = parts
  const answer = writeHandler(parts.write, { statuses })

  http.post('/api/v1/users/me/email-verification', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Mail the link again that verifies my e-mail address',
      body: NoBody,
      response: { 202: Nothing },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const asked = noteWait(reply, await verification.ask(tx, ownId(request)))
        return asked.ok ? ok({ status: 202 }) : asked
      }),
  })

  http.post('/api/v1/auth/email-verifications/confirm', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'Verify an e-mail address with the token of a mailed link',
      body: TokenBody,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const link = await openLink(request.body.token, 'verify-email')
      return answer(request, reply, async (tx) => {
        const confirmed = link ? await verification.confirm(tx, link) : linkInvalid
        return confirmed.ok ? ok({ status: 204 }) : confirmed
      })
    },
  })

  http.post('/api/v1/users/me/email', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Ask for another e-mail address; it counts once a mail to it was answered, and the old one is told',
      body: Type.Object({ newEmail: Email, password: KnownPassword }, { additionalProperties: false }),
      response: { 202: Nothing },
    },
    handler: async (request, reply) => {
      const newEmail = parseEmail(request.body.newEmail)
      if (!newEmail.ok) throw refusalProblem(newEmail.error, statuses)
      const proof = await prove(request, reply)
      const mayMail = proof.ok
        ? await admitted(reply, mailThrottle, {
            email: newEmail.value,
            clientAddress: forwardedAddress(request.headers),
          })
        : ok(undefined)
      await hidePasswords(request, passwords)
      return answer(request, reply, async (tx) => {
        if (!proof.ok) return proof
        if (!mayMail.ok) return mayMail
        const asked = noteWait(reply, await change.ask(tx, proof.value, newEmail.value))
        return asked.ok ? ok({ status: 202 }) : asked
      })
    },
  })

  http.post('/api/v1/auth/email-changes/confirm', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'Take over the new e-mail address with the token of a mailed link',
      body: TokenBody,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const link = await openLink(request.body.token, 'change-email')
      return answer(request, reply, async (tx) => {
        const confirmed = link ? await change.confirm(tx, link) : linkInvalid
        return confirmed.ok ? ok({ status: 204 }) : confirmed
      })
    },
  })
}
