import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '@micromart/http-kit/problem'
import { createInstances, type Instances } from '@micromart/kernel/instances'
import type { ServiceName } from '@micromart/service-kit/service'
import type { WorkContext } from '@micromart/telemetry/context'
import { errors, Pool } from 'undici'
import { requestHeaders, responseHeaders } from './headers.ts'
import { type RequestBody, requestBody, tooLarge } from './request-body.ts'
import type { Route } from './routes.ts'

/** The addresses of each service's instances. */
export type Upstreams = Readonly<Record<ServiceName, readonly string[]>>

export interface Forwarder {
  /** Passes the exchange on, bodies streaming both ways. @throws ProblemError while nothing has been answered yet */
  pass(exchange: Exchange): Promise<void>
  close(): Promise<void>
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly route: Route
  readonly context: WorkContext
}

const unavailable = (service: string) =>
  new ProblemError(503, {
    code: 'service.unavailable',
    detail: `The ${service} service cannot be reached right now; try again in a moment`,
  })
const tooLate = () =>
  new ProblemError(504, {
    code: 'gateway.timeout',
    detail: 'The service took too long to answer; try again in a moment',
  })
const garbage = () =>
  new ProblemError(502, { code: 'gateway.bad-upstream', detail: 'The service gave an answer that is not HTTP' })

/** Less than a service goes on answering when it is told to end: no idle connection is left by then that could be used too late. */
const KEPT_IDLE_MS = 1_000
/** Until one that has said goodbye is gone. */
const LEAVING_MS = 5_000
/** What a service had begun when it died is rolled back by then. */
const ROLLED_BACK_MS = 100

const openPool = (url: string) =>
  new Pool(url, {
    connections: 64,
    connectTimeout: 2_000,
    pipelining: 1,
    keepAliveTimeout: KEPT_IDLE_MS,
    keepAliveMaxTimeout: KEPT_IDLE_MS,
  })

/**
 * Spreads requests over the instances of a service. What was never sent goes to the next one; what was sent and came to nothing only if
 * it may be repeated: a GET, or a write with an idempotency key, to which a service gives its first answer again.
 */
export function createProxy(upstreams: Upstreams): Forwarder {
  const services = new Map<string, { readonly pools: readonly Pool[]; readonly instances: Instances<Pool> }>()
  for (const [name, urls] of Object.entries(upstreams)) {
    const pools = urls.map(openPool)
    services.set(name, { pools, instances: createInstances(pools) })
  }

  const pass = async (exchange: Exchange) => {
    const { request, response, route } = exchange
    const service = services.get(route.service)
    if (!service) throw unavailable(route.service)
    if (response.destroyed) return // the client went while its token was checked
    if (Number(request.headers['content-length'] ?? 0) > route.bodyLimit) throw tooLarge()
    const stop = new AbortController()
    const deadline = setTimeout(() => stop.abort(tooLate()), route.deadlineMs)
    const clientGone = () => response.writableFinished || stop.abort(new Error('the client is gone'))
    response.once('close', clientGone)
    try {
      await tryInstances(service.instances, exchange, stop.signal)
    } catch (error) {
      throw problemOf(error, exchange)
    } finally {
      clearTimeout(deadline)
      response.removeListener('close', clientGone)
    }
  }

  return {
    pass,
    close: async () => {
      const all = [...services.values()].flatMap(({ pools }) => pools)
      await Promise.all(all.map((pool) => pool.close()))
    },
  }
}

async function tryInstances(instances: Instances<Pool>, exchange: Exchange, signal: AbortSignal): Promise<void> {
  let mayRepeat = isRepeatable(exchange.request)
  const body = bodyOf(exchange, mayRepeat)
  const pools = instances.inOrder()
  const ask = async (pool: Pool) => {
    try {
      await attempt(pool, { exchange, body, signal, leaving: () => instances.passOver(pool, LEAVING_MS) })
    } catch (error) {
      if (isItsFault(error, signal)) instances.passOver(pool)
      return { error }
    }
  }
  for (let index = 0; ; index += 1) {
    const pool = pools[index % pools.length]
    if (!pool) throw unavailable(exchange.route.service)
    const failed = await ask(pool)
    if (!failed) return
    const isLast = index + 1 >= pools.length
    if (await isOver(failed.error, { exchange, body, signal, mayRepeat, isLast })) throw failed.error
    mayRepeat &&= isRefused(failed.error)
  }
}

interface Failed {
  readonly exchange: Exchange
  readonly body: RequestBody | undefined
  readonly signal: AbortSignal
  readonly mayRepeat: boolean
  readonly isLast: boolean
}

/** False when another instance may be asked, or the same once more. */
async function isOver(error: unknown, { exchange, body, signal, mayRepeat, isLast }: Failed): Promise<boolean> {
  if (signal.aborted || exchange.response.headersSent) return true
  if (isRefused(error)) return isLast || body?.canRewind() === false
  if (!mayRepeat || !isReset(error)) return true
  if (!isRead(exchange.request)) await pause(ROLLED_BACK_MS)
  return false
}

const bodyOf = ({ request, route }: Exchange, keep: boolean) =>
  hasBody(request) ? requestBody(request, { limit: route.bodyLimit, keep }) : undefined

async function attempt(
  pool: Pool,
  parts: { exchange: Exchange; body: RequestBody | undefined; signal: AbortSignal; leaving: () => void },
) {
  const { request, response, route, context } = parts.exchange
  await pool.stream(
    {
      method: request.method as 'GET',
      path: request.url ?? '/',
      headers: requestHeaders(request, context),
      body: parts.body?.open() ?? null,
      signal: parts.signal,
      headersTimeout: route.deadlineMs,
      bodyTimeout: route.deadlineMs,
    },
    ({ statusCode, headers }) => {
      if (headers['connection'] === 'close') parts.leaving()
      return response.writeHead(statusCode, responseHeaders(headers))
    },
  )
}

const hasBody = (request: IncomingMessage) =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD'

const isRepeatable = (request: IncomingMessage) => isRead(request) || request.headers['idempotency-key'] !== undefined

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

const isItsFault = (error: unknown, signal: AbortSignal) =>
  codeOf(error) !== '' || signal.reason instanceof ProblemError

/** Nothing was sent, because there is no connection. */
const isRefused = (error: unknown) =>
  codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT' ||
  (error instanceof Error && 'syscall' in error && ['connect', 'getaddrinfo'].includes(String(error.syscall)))

const isReset = (error: unknown) => ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error))

const isGarbage = (error: unknown) =>
  error instanceof errors.HTTPParserError ||
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_HEADERS_OVERFLOW'].includes(codeOf(error))

function problemOf(error: unknown, { route }: Exchange): ProblemError {
  if (error instanceof ProblemError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return tooLate()
  if (isGarbage(error)) return garbage()
  return unavailable(route.service)
}
