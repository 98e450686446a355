import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Session } from '../domain/session.ts'
import type { RefreshRefusal, Sessions } from '../sessions.ts'
import { KnownPassword } from './account-schemas.ts'
import type { ProofRefusal, Prove } from './own-account.ts'
import { LogoutBody, SessionList } from './user-schemas.ts'

const statuses = {
  'user.refresh-token-invalid': 401,
  'user.wrong-password': 403,
  'user.too-many-attempts': 429,
} satisfies StatusTable<(RefreshRefusal | ProofRefusal)['code']>

const unknown = () => new ProblemError(404, { code: 'user.session-unknown', detail: 'There is no such session' })

const notRecent = () =>
  new ProblemError(403, {
    code: 'user.sign-in-not-recent',
    detail:
      'You signed in a while ago: give your password again (POST /api/v1/users/me/reauthentication), or sign in anew',
  })

const done = { 204: Type.Null({ description: 'done' }) }

/** The routes that need this have the access `signed-in`. */
function personOf({ caller }: FastifyRequest) {
  if (caller.kind !== 'user') throw kitProblem('auth.required', 'Sign in first')
  return caller
}

export interface SessionRoutes {
  readonly sessions: Sessions
  readonly prove: Prove
}

/** Everybody sees and ends their own sessions. One of somebody else and no session at all look the same. */
export function sessionRoutes(http: HttpServer, { sessions, prove }: SessionRoutes): void {
  const noContent = (reply: FastifyReply) => reply.code(204).send(null) as never

  /** Who has got hold of a token must not put out the owner. @throws ProblemError 403 */
  const mustBeRecent = async ({ userId, sessionId }: ReturnType<typeof personOf>) => {
    if (sessionId === undefined || !(await sessions.isRecent(userId, sessionId))) throw notRecent()
  }

  const endOwn = async (request: FastifyRequest) => {
    const { userId, sessionId } = personOf(request)
    if (sessionId !== undefined) await sessions.end(userId, sessionId, 'user.signed-out')
  }

  http.post('/api/v1/auth/logout', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'End the session of the refresh token in the body, or without one that of the access token',
      body: LogoutBody,
      response: done,
    },
    handler: async (request, reply) => {
      const refreshToken = request.body?.refreshToken
      if (refreshToken === undefined) await endOwn(request)
      else {
        const ended = await sessions.endByToken(refreshToken)
        if (!ended.ok) throw refusalProblem(ended.error, statuses)
      }
      return noContent(reply)
    },
  })

  http.post('/api/v1/auth/logout-everywhere', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['auth'],
      summary: 'End all my sessions, this one too; needs a sign-in, or the password, of the last minutes',
      body: NoBody,
      response: done,
    },
    handler: async (request, reply) => {
      const person = personOf(request)
      await mustBeRecent(person)
      await sessions.endEverywhere(person.userId)
      return noContent(reply)
    },
  })

  http.get('/api/v1/users/me/sessions', {
    config: { access: 'signed-in' },
    schema: { tags: ['users'], summary: 'Where I am signed in, the last used first', response: { 200: SessionList } },
    handler: async (request) => {
      const { userId, sessionId } = personOf(request)
      return { items: (await sessions.list(userId)).map((session) => bodyOf(session, sessionId)) }
    },
  })

  http.post('/api/v1/users/me/reauthentication', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'Give my password again, for what needs a recent sign-in',
      body: Type.Object({ password: KnownPassword }, { additionalProperties: false }),
      response: done,
    },
    handler: async (request, reply) => {
      const { userId, sessionId } = personOf(request)
      const proof = await prove(request, reply)
      if (!proof.ok) throw refusalProblem(proof.error, statuses)
      if (sessionId === undefined || !(await sessions.noteProof(userId, sessionId))) throw unknown()
      return noContent(reply)
    },
  })

  http.delete('/api/v1/users/me/sessions/:id', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'End one of my sessions; another than this one needs a sign-in, or the password, of the last minutes',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
      response: done,
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const person = personOf(request)
      if (id !== person.sessionId) await mustBeRecent(person)
      const ended = isUuid(id) && (await sessions.end(person.userId, id, 'user.session-revoked'))
      if (!ended) throw unknown()
      return noContent(reply)
    },
  })
}

const bodyOf = ({ id, userAgent, createdAt, lastUsedAt, expiresAt }: Session, currentId: string | undefined) => ({
  ...{ id, userAgent, isCurrent: id === currentId, createdAt: createdAt.toISOString() },
  ...{ lastUsedAt: lastUsedAt.toISOString(), expiresAt: expiresAt.toISOString() },
})
