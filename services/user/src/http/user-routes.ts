import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import { ok, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import { tidyRoles } from '../domain/account.ts'
import type { Users } from '../ports.ts'
import type { Sessions } from '../sessions.ts'
import { Nothing } from './account-schemas.ts'
import { RolesBody, UserBody } from './user-schemas.ts'

const statuses = { 'user.unknown': 404, 'user.last-admin': 409 } satisfies StatusTable

export interface UserRoutes {
  readonly users: Users
  readonly write: IdempotentWrite
  readonly audit: AuditLog
  readonly sessions: Sessions
}

/** What staff do to the account of somebody else. */
export function userRoutes(http: HttpServer, { users, write, audit, sessions }: UserRoutes): void {
  const answer = writeHandler(write, { statuses })

  http.put('/api/v1/users/:id/roles', {
    config: { access: 'roles:write' },
    schema: {
      tags: ['users'],
      summary: 'Give a user exactly these roles; the user is signed out, for the tokens that are out say the old ones',
      params: Type.Object({ id: Type.String() }),
      body: RolesBody,
      response: { 200: UserBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { id } = request.params
        const user = isUuid(id) ? await users.setRoles(tx, id, tidyRoles(request.body.roles)) : undefined
        if (user === 'last-admin')
          return refuse('user.last-admin', 'Somebody has to stay admin; make another one first')
        if (!user) return refuse('user.unknown', 'There is no such user')
        await sessions.endAll(tx, user.id)
        const details = { roles: user.roles }
        await audit.append(tx, { actor: actorOf(request.caller), action: 'user.roles-set', subject: user.id, details })
        return ok({ status: 200, body: user })
      }),
  })

  http.delete('/api/v1/users/:id/sessions', {
    config: { access: 'sessions:write' },
    schema: {
      tags: ['users'],
      summary: 'End all sessions of a user',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
      response: { 204: Nothing },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { id } = request.params
        const user = isUuid(id) ? await users.lock(tx, id) : undefined
        if (!user) return refuse('user.unknown', 'There is no such user')
        await sessions.endAll(tx, user.id)
        const actor = actorOf(request.caller)
        await audit.append(tx, { actor, action: 'user.sessions-ended', subject: user.id, details: {} })
        return ok({ status: 204 })
      }),
  })
}
