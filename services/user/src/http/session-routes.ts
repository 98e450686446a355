import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Session } from '../domain/session.ts'
import type { RefreshRefusal, Sessions } from '../sessions.ts'
import { LogoutBody, SessionList } from './user-schemas.ts'

const statuses = { 'user.refresh-token-invalid': 401 } satisfies StatusTable<RefreshRefusal['code']>

const unknown = () => new ProblemError(404, { code: 'user.session-unknown', detail: 'There is no such session' })

const done = { 204: Type.Null({ description: 'done' }) }

/** The routes that need this have the access `signed-in`. */
function personOf({ caller }: FastifyRequest) {
  if (caller.kind !== 'user') throw kitProblem('auth.required', 'Sign in first')
  return caller
}

/** Everybody sees and ends their own sessions. One of somebody else and no session at all look the same. */
export function sessionRoutes(http: HttpServer, { sessions }: { sessions: Sessions }): void {
  const noContent = (reply: FastifyReply) => reply.code(204).send(null) as never

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
    schema: { tags: ['auth'], summary: 'End all my sessions, this one too', body: NoBody, response: done },
    handler: async (request, reply) => {
      await sessions.endEverywhere(personOf(request).userId)
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

  http.delete('/api/v1/users/me/sessions/:id', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'End one of my sessions',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
      response: done,
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const ended = isUuid(id) && (await sessions.end(personOf(request).userId, id, 'user.session-revoked'))
      if (!ended) throw unknown()
      return noContent(reply)
    },
  })
}

const bodyOf = ({ id, userAgent, createdAt, lastUsedAt, expiresAt }: Session, currentId: string | undefined) => ({
  ...{ id, userAgent, isCurrent: id === currentId, createdAt: createdAt.toISOString() },
  ...{ lastUsedAt: lastUsedAt.toISOString(), expiresAt: expiresAt.toISOString() },
})
