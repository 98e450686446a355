import { createHash } from 'node:crypto'
import type { Refusal, Result } from '@micromart/kernel/result'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hashCartToken } from './cart-token.ts'
import { kitProblem, kitStatuses, ProblemError, type StatusTable } from './problem.ts'

/** What a write wants to answer. */
export interface WriteAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The store of answers as this kit sees it; `Tx` is the transaction that the write runs in. */
export type IdempotentWrite<Tx> = (
  key: { caller: string; route: string; key: string; requestHash: string } | undefined,
  work: (tx: Tx) => Promise<Result<{ status: number; headers: Readonly<Record<string, string>>; body: string }>>,
) => Promise<Result<{ status: number; headers: Readonly<Record<string, string>>; body: string; replayed: boolean }>>

/** Runs `work` in one transaction with the record of its answer and sends the answer; refusals become problems by the table. What it returns is the reply, typed so that any route may return it. */
export type WriteHandler<Tx> = (
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Tx) => Promise<Result<WriteAnswer>>,
) => Promise<never>

/** By default an `Idempotency-Key` is honoured where it is sent; `required` answers 400 without one; `ignored` keeps no answer, because it holds a secret. */
export function writeHandler<Tx>(
  write: IdempotentWrite<Tx>,
  options: { statuses: StatusTable; key?: 'required' | 'ignored' },
): WriteHandler<Tx> {
  return async (request, reply, work) => {
    const key = options.key === 'ignored' ? undefined : keyOf(request, options.key === 'required')
    const result = await write(key, async (tx) => {
      const answer = await work(tx)
      if (!answer.ok) return answer
      const { status, body, headers = {} } = answer.value
      return { ok: true, value: { status, headers, body: body === undefined ? '' : JSON.stringify(body) } }
    })
    if (!result.ok) throw refusalProblem(result.error, options.statuses)
    const { status, headers, body, replayed } = result.value
    reply.code(status).headers(headers)
    if (replayed) reply.header('idempotent-replayed', 'true')
    const sent = body === '' ? reply.send() : reply.type('application/json; charset=utf-8').send(body)
    return sent as never
  }
}

/** A refusal as the problem that the route's table says; a code that the table lacks is a bug. */
export function refusalProblem(refusal: Refusal, statuses: StatusTable): ProblemError {
  const status = statuses[refusal.code] ?? (kitStatuses as StatusTable)[refusal.code]
  if (status === undefined) throw new Error(`No HTTP status is declared for ${refusal.code}`)
  return new ProblemError(status, refusal)
}

const KEY = /^[\x21-\x7e]{1,255}$/

/** An anonymous caller is known by nothing but the key, so the key has to be hard to guess. */
const SHORTEST_ANONYMOUS_KEY = 16

function keyOf(request: FastifyRequest, required: boolean) {
  const header = request.headers['idempotency-key']
  if (header === undefined) {
    if (!required) return undefined
    throw kitProblem('idempotency.key-required', 'Send an Idempotency-Key header (a fresh UUID for each new attempt)')
  }
  const caller = callerOf(request)
  if (typeof header !== 'string' || !KEY.test(header))
    throw kitProblem('idempotency.key-invalid', 'An Idempotency-Key is 1 to 255 visible ASCII characters')
  if (caller === 'anonymous' && header.length < SHORTEST_ANONYMOUS_KEY)
    throw kitProblem(
      'idempotency.key-invalid',
      'Without a token an Idempotency-Key needs at least 16 characters; use a UUID',
    )
  const asked = JSON.stringify([request.url, request.body ?? null, request.headers['if-match'] ?? null])
  return {
    caller,
    route: `${request.method} ${request.routeOptions.url ?? request.url}`,
    key: header,
    requestHash: createHash('sha256').update(asked).digest('base64url'),
  }
}

function callerOf(request: FastifyRequest): string {
  if (request.caller.kind === 'user') return `user:${request.caller.userId}`
  if (request.caller.kind === 'machine') return `api-key:${request.caller.keyId}`
  const cartToken = request.headers['cart-token']
  return typeof cartToken === 'string' ? `guest:${hashCartToken(cartToken)}` : 'anonymous'
}
