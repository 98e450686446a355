import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { ProblemError } from '@micromart/http-kit/problem'
import type { ServiceName } from '@micromart/service-kit/service'
import type { WorkContext } from '@micromart/telemetry/context'
import { errors, Pool } from 'undici'
import { requestHeaders, responseHeaders } from './headers.ts'
import type { Route } from './routes.ts'

export type Upstreams = Readonly<Record<ServiceName, string>>

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
const tooLarge = () =>
  new ProblemError(413, { code: 'request.too-large', detail: 'The body is larger than this accepts' })

export function createProxy(upstreams: Upstreams): Forwarder {
  const pools = new Map(
    Object.entries(upstreams).map(([name, url]) => [
      name,
      new Pool(url, { connections: 64, connectTimeout: 2_000, pipelining: 1 }),
    ]),
  )

  const attempt = async (pool: Pool, exchange: Exchange, signal: AbortSignal) => {
    const { request, response, route, context } = exchange
    await pool.stream(
      {
        method: request.method as 'GET',
        path: request.url ?? '/',
        headers: requestHeaders(request, context),
        body: hasBody(request) ? limited(request, route.bodyLimit) : null,
        signal,
        headersTimeout: route.deadlineMs,
        bodyTimeout: route.deadlineMs,
      },
      ({ statusCode, headers }) => response.writeHead(statusCode, responseHeaders(headers)),
    )
  }

  const pass = async (exchange: Exchange) => {
    const { request, response, route } = exchange
    const pool = pools.get(route.service)
    if (!pool) throw unavailable(route.service)
    if (response.destroyed) return // the client went while its token was checked
    if (Number(request.headers['content-length'] ?? 0) > route.bodyLimit) throw tooLarge()
    const stop = new AbortController()
    const deadline = setTimeout(() => stop.abort(tooLate()), route.deadlineMs)
    const clientGone = () => response.writableFinished || stop.abort(new Error('the client is gone'))
    response.once('close', clientGone)
    try {
      await attempt(pool, exchange, stop.signal).catch((error: unknown) => {
        // an idle connection may be closed by the service at the very moment it is used again
        const repeatable = request.method === 'GET' && !hasBody(request) && !response.headersSent
        if (!repeatable || !isReset(error) || stop.signal.aborted) throw error
        return attempt(pool, exchange, stop.signal)
      })
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
      await Promise.all([...pools.values()].map((pool) => pool.close()))
    },
  }
}

const hasBody = (request: IncomingMessage) =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0

/** A declared length is enforced by the parser; a chunked body is counted as it comes. */
const limited = (request: IncomingMessage, limit: number) =>
  request.headers['transfer-encoding'] === undefined ? request : Readable.from(counted(request, limit))

async function* counted(request: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > limit) throw tooLarge()
    yield chunk as Buffer
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

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
