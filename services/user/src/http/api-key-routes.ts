import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import { ok } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { ApiKeys, ExchangeRefusal, MakeKeyRefusal } from '../api-keys.ts'
import type { ApiKey } from '../domain/api-key.ts'
import { ApiKeyBody, ApiKeyList, ExchangeBody, MachineTokenBody, MadeApiKeyBody } from './api-key-schemas.ts'

const statuses = {
  'user.name-invalid': 400,
  'user.scope-beyond-own': 403,
  'user.too-many-api-keys': 409,
  'user.api-key-invalid': 401,
} satisfies StatusTable<MakeKeyRefusal['code'] | ExchangeRefusal['code']>

const DEFAULT_DAYS = 90

const unknown = () => new ProblemError(404, { code: 'user.api-key-unknown', detail: 'There is no such API key' })

/** Machines cannot have the permission of these routes. */
function ownerOf({ caller }: FastifyRequest): string {
  if (caller.kind !== 'user') throw kitProblem('auth.forbidden', 'This belongs to a person; an API key cannot use it')
  return caller.userId
}

/** Keys for machines, and what they get for one. A key of somebody else and no key at all look the same. */
export function apiKeyRoutes(http: HttpServer, { keys, write }: { keys: ApiKeys; write: IdempotentWrite }): void {
  // an answer that is kept would hold the key
  const answer = writeHandler(write, { statuses, key: 'ignored' })

  http.post('/api/v1/api-keys', {
    config: { access: 'api-keys:write' },
    schema: {
      tags: ['api-keys'],
      summary: 'Make an API key; it is shown this once',
      body: ApiKeyBody,
      response: { 201: MadeApiKeyBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { name, scopes, expiresInDays: days = DEFAULT_DAYS } = request.body
        const made = await keys.make(tx, { ownerId: ownerOf(request), name, scopes, days })
        if (!made.ok) return made
        const body = { ...bodyOf(made.value), key: made.value.key }
        return ok({ status: 201, headers: { 'cache-control': 'no-store' }, body })
      }),
  })

  http.get('/api/v1/api-keys', {
    config: { access: 'api-keys:write' },
    schema: { tags: ['api-keys'], summary: 'My API keys, the newest first', response: { 200: ApiKeyList } },
    handler: async (request) => ({ items: (await keys.list(ownerOf(request))).map(bodyOf) }),
  })

  http.delete('/api/v1/api-keys/:id', {
    config: { access: 'api-keys:write' },
    schema: {
      tags: ['api-keys'],
      summary: 'Revoke one of my API keys',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
      response: { 204: Type.Null({ description: 'done' }) },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!isUuid(id) || !(await keys.revoke(ownerOf(request), id))) throw unknown()
      return reply.code(204).send(null) as never
    },
  })

  http.post('/api/v1/auth/token', {
    config: { access: 'public' },
    schema: {
      tags: ['auth'],
      summary: 'A short access token for an API key',
      body: ExchangeBody,
      response: { 200: MachineTokenBody },
    },
    handler: async (request, reply) => {
      const exchanged = await keys.exchange(request.body.apiKey)
      if (!exchanged.ok) throw refusalProblem(exchanged.error, statuses)
      reply.header('cache-control', 'no-store')
      return exchanged.value
    },
  })
}

const bodyOf = ({ id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt }: ApiKey) => ({
  ...{ id, name, scopes: [...scopes], createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() },
  ...{ lastUsedAt: lastUsedAt?.toISOString() ?? null, revokedAt: revokedAt?.toISOString() ?? null },
})
