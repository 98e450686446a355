import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import { ok, type Refusal, refuse } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { MailThrottle } from '../account-ports.ts'
import type { ClosedErasure } from '../closed-erasure.ts'
import { type AccountRefusal, parseEmail } from '../domain/account.ts'
import type { ErasureRefusal } from '../erasure.ts'
import type { TooManyMails } from '../mail-links.ts'
import { type LinkRefusal, linkInvalid, type OpenLink } from '../open-link.ts'
import { Email, Nothing, TokenBody } from './account-schemas.ts'
import { admitted } from './own-account.ts'
import { ErasureStartedBody, erasureStarted } from './privacy-schemas.ts'

const statuses = {
  'user.email-invalid': 400,
  'user.name-invalid': 400,
  'user.unknown': 404,
  'user.account-open': 409,
  'user.erasure-running': 409,
  'user.link-invalid': 422,
  'user.too-many-mails': 429,
} satisfies StatusTable<
  | (AccountRefusal | ErasureRefusal | LinkRefusal | TooManyMails)['code']
  | Refusal<'user.unknown' | 'user.account-open'>['code']
>

export interface ClosedErasureRoutes {
  readonly closed: ClosedErasure
  readonly openLink: OpenLink
  readonly mailThrottle: MailThrottle
  readonly write: IdempotentWrite
}

const tags = ['privacy']
const unknown = refuse('user.unknown', 'There is no such user')

/** How somebody is forgotten who has closed the account before. */
export function closedErasureRoutes(http: HttpServer, { closed, openLink, mailThrottle, write }: ClosedErasureRoutes) {
  const answer = writeHandler(write, { statuses })
  /** Its answer has the only copy of the receipt's token. */
  const answerOnce = writeHandler(write, { statuses, key: 'ignored' })

  http.post('/api/v1/auth/erasure-requests', {
    config: { access: 'public' },
    schema: {
      tags,
      summary: 'Mail a link to be forgotten, if a closed account had this address; the answer is the same if not',
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
        await closed.requestLink(tx, email.value)
        return ok({ status: 202 })
      })
    },
  })

  http.post('/api/v1/auth/erasure-requests/confirm', {
    config: { access: 'public' },
    schema: {
      tags,
      summary: 'Have what is kept of a closed account forgotten everywhere, with the token of a mailed link',
      body: TokenBody,
      response: { 202: ErasureStartedBody },
    },
    handler: async (request, reply) => {
      const link = await openLink(request.body.token, 'erase-person')
      return answerOnce(request, reply, async (tx) => {
        const started = link ? await closed.confirm(tx, link) : linkInvalid
        return started.ok ? ok(erasureStarted(started.value)) : started
      })
    },
  })

  http.post('/api/v1/users/:id/erasure', {
    config: { access: 'people:erase' },
    schema: {
      tags,
      summary: 'Have what is kept of a closed account forgotten everywhere, because its owner asked for it',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
      response: { 202: ErasureStartedBody },
    },
    handler: (request, reply) =>
      answerOnce(request, reply, async (tx) => {
        const { id: userId } = request.params
        const started = isUuid(userId) ? await closed.start(tx, { userId, actor: actorOf(request.caller) }) : unknown
        return started.ok ? ok(erasureStarted(started.value)) : started
      }),
  })
}
