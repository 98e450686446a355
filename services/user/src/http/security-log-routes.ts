import { Instant } from '@micromart/contracts/message'
import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { kitProblem } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import Type, { type Static } from 'typebox'
import type { SecurityEvent, SecurityLog } from '../ports.ts'

const querystring = Type.Object(PageQuery, { additionalProperties: false })

const EventBody = Type.Object({
  sequence: Type.Integer(),
  at: Instant,
  actor: Type.String({ description: 'who: a user id, api-key:id, service:name, nobody, or somebody of the shop' }),
  action: Type.String({ description: 'such as user.signed-in' }),
  subject: Type.String(),
  details: Type.Record(Type.String(), Type.Unknown()),
})

const SecurityLogPage = Type.Object({
  items: Type.Array(EventBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
})

/** More than there will ever be. */
const END = String(Number.MAX_SAFE_INTEGER)
const SEQUENCE = /^[1-9]\d{0,15}$/

/** What happened to accounts and keys, the latest first. Everybody reads what is about them; who of the shop did it stays inside. */
export function securityLogRoutes(http: HttpServer, { securityLog }: { securityLog: SecurityLog }): void {
  const page = async ({ limit: text, after }: Static<typeof querystring>, userId?: string) => {
    const limit = pageLimit(text)
    const [before = END] = decodeCursor(after, 1) ?? []
    if (!SEQUENCE.test(before)) throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
    const found = await securityLog.page({ before, limit: limit + 1, ...(userId === undefined ? {} : { userId }) })
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return {
      items: items.map((event) => bodyOf(event, userId)),
      nextCursor: found.length > limit && last ? encodeCursor([last.sequence]) : null,
    }
  }

  http.get('/api/v1/users/me/security-log', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['users'],
      summary: 'What happened to my account',
      querystring,
      response: { 200: SecurityLogPage },
    },
    handler: async ({ caller, query }) => {
      if (caller.kind !== 'user') throw kitProblem('auth.required', 'Sign in first')
      return page(query, caller.userId)
    },
  })

  http.get('/api/v1/security-log', {
    config: { access: 'security-log:read' },
    schema: {
      tags: ['users'],
      summary: 'What happened to all accounts and keys',
      querystring,
      response: { 200: SecurityLogPage },
    },
    handler: async ({ query }) => page(query),
  })
}

const bodyOf = ({ sequence, at, actor, action, subject, details }: SecurityEvent, reader: string | undefined) => ({
  ...{ sequence: Number(sequence), at: at.toISOString(), action, subject, details: { ...details } },
  actor: reader === undefined || actor === reader || actor === 'nobody' ? actor : 'somebody of the shop',
})
