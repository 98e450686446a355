import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { etagOf, matches } from '@micromart/http-kit/etag'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import { kitProblem, type StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  type Coupon,
  type CouponLimits,
  changeLimits,
  couponCode,
  type LimitsRefusal,
  newCoupon,
} from '../domain/coupon.ts'
import type { CouponBook, CouponPlace } from '../ports.ts'
import {
  bodyOf,
  CouponBody,
  CouponPageBody,
  LimitsBody,
  limitsIn,
  NewCouponBody,
  type TermsRefusal,
  termsIn,
} from './coupon-schemas.ts'

const statuses = {
  'coupon.unknown': 404,
  'coupon.code-taken': 409,
  'coupon.limit-below-uses': 409,
  'coupon.version-mismatch': 412,
  'coupon.bad-period': 422,
  'coupon.bad-terms': 422,
} satisfies StatusTable<
  (LimitsRefusal | TermsRefusal | Refusal<'coupon.unknown' | 'coupon.code-taken' | 'coupon.version-mismatch'>)['code']
>

const unknown = refuse('coupon.unknown', 'There is no such coupon')
const byCode = { params: Type.Object({ code: Type.String() }), tags: ['coupons'] }
const unlimited: CouponLimits = { mostUses: null, mostUsesPerCustomer: null, startsAt: null, endsAt: null }

/** As cursors spell it; every such day is one, or the next month's. */
const INSTANT = /^2\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

export interface CouponRoutes {
  readonly coupons: CouponBook
  readonly database: Database
  readonly write: IdempotentWrite
  readonly audit: AuditLog
  readonly clock: Clock
}

/** The staff's side of coupons. */
export function couponRoutes(http: HttpServer, { coupons, database, write, audit, clock }: CouponRoutes): void {
  const answer = writeHandler(write, { statuses })

  const note = (tx: Transaction, { caller }: FastifyRequest, done: { action: string; coupon: Coupon }) => {
    const { terms, mostUses, mostUsesPerCustomer, startsAt, endsAt } = done.coupon
    const period = { startsAt: startsAt?.toISOString() ?? null, endsAt: endsAt?.toISOString() ?? null }
    const { code, kind } = terms
    const off = terms.kind === 'percent' ? { percent: terms.percent } : { ...terms.amount }
    const details = { kind, ...off, mostUses, mostUsesPerCustomer, ...period }
    return audit.append(tx, { actor: actorOf(caller), action: done.action, subject: code, details })
  }

  http.post('/api/v1/coupons', {
    config: { access: 'coupons:write' },
    schema: {
      tags: ['coupons'],
      summary: 'Make a coupon; what it takes off stays, its limits and dates can be changed',
      body: NewCouponBody,
      response: { 201: CouponBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const terms = termsIn(request.body)
        if (!terms.ok) return terms
        const made = newCoupon(terms.value, { ...unlimited, ...limitsIn(request.body) }, clock.now())
        if (!made.ok) return made
        const { code } = made.value.terms
        if (!(await coupons.add(tx, made.value))) return refuse('coupon.code-taken', 'There is a coupon with this code')
        await note(tx, request, { action: 'coupon.made', coupon: made.value })
        const headers = { location: `/api/v1/coupons/${code}`, etag: etagOf(made.value) }
        return ok({ status: 201, headers, body: bodyOf(made.value) })
      }),
  })

  http.get('/api/v1/coupons', {
    config: { access: 'coupons:read' },
    schema: {
      tags: ['coupons'],
      summary: 'Coupons, newest first',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: { 200: CouponPageBody },
    },
    handler: async (request) => {
      const limit = pageLimit(request.query.limit)
      const found = await coupons.list(database, { before: placeOf(request.query.after), limit: limit + 1 })
      const items = found.slice(0, limit)
      const last = items.at(-1)
      return {
        items: items.map(bodyOf),
        nextCursor: found.length > limit && last ? encodeCursor([last.createdAt.toISOString(), last.terms.code]) : null,
      }
    },
  })

  http.get('/api/v1/coupons/:code', {
    config: { access: 'coupons:read' },
    schema: { ...byCode, summary: 'A coupon and how often it was used', response: { 200: CouponBody } },
    handler: async (request, reply) => {
      const code = couponCode(request.params.code)
      const coupon = code === undefined ? undefined : await coupons.find(database, code)
      if (!coupon) throw refusalProblem(unknown.error, statuses)
      reply.header('etag', etagOf(coupon))
      return bodyOf(coupon)
    },
  })

  http.patch('/api/v1/coupons/:code', {
    config: { access: 'coupons:write' },
    schema: {
      ...byCode,
      summary: 'Change limits and dates; null takes one away',
      body: LimitsBody,
      response: { 200: CouponBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const code = couponCode(request.params.code)
        const found = code === undefined ? undefined : await coupons.lock(tx, code)
        if (!found) return unknown
        const { coupon, mostByOneCustomer } = found
        if (!matches(request.headers['if-match'], coupon))
          return refuse('coupon.version-mismatch', 'The coupon has changed since; read it again')
        const changed = changeLimits(coupon, limitsIn(request.body), mostByOneCustomer)
        if (!changed.ok) return changed
        await coupons.saveLimits(tx, changed.value)
        await note(tx, request, { action: 'coupon.limits-changed', coupon: changed.value })
        return ok({ status: 200, headers: { etag: etagOf(changed.value) }, body: bodyOf(changed.value) })
      }),
  })
}

/** @throws ProblemError 400 when it is not a place that this list has */
function placeOf(cursor: string | undefined): CouponPlace | undefined {
  const [at, code] = decodeCursor(cursor, 2) ?? []
  if (at === undefined || code === undefined) return undefined
  if (!INSTANT.test(at) || couponCode(code) !== code)
    throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
  return { createdAt: new Date(at), code }
}
