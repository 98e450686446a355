import type { IncomingMessage, ServerResponse } from 'node:http'
import { PROBLEM_CONTENT_TYPE, ProblemError, problem } from '@micromart/http-kit/problem'
import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import type { Logger } from '@micromart/telemetry/logger'
import { withUsual } from './header-list.ts'

/** An exchange, as far as a refusal has to know it. */
interface Refused {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly context: WorkContext
  readonly said: readonly string[]
  readonly usual: readonly string[]
}

const broken = () =>
  new ProblemError(500, {
    code: 'service.failed',
    detail: 'Something went wrong here; the trace id helps to find out what',
  })

/** Whatever was thrown becomes an answer: a refusal as it is, a fault of the gateway is logged and says nothing of the inside. */
export function fail(exchange: Refused, error: unknown, log: Logger): void {
  const known = error instanceof ProblemError
  const { context, method } = exchange
  if (!known) runInContext(context, () => log.error({ err: error, method }, 'a request failed in the gateway'))
  sendProblem(exchange, known ? error : broken())
}

/** Answers with problem+json; an answer that has begun already is broken off instead. */
export function sendProblem(
  { request, response, context, said, usual }: Omit<Refused, 'method'>,
  { status, refusal }: ProblemError,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const text = JSON.stringify(runInContext(context, () => problem(status, refusal)))
  const headers = [...said, 'content-type', PROBLEM_CONTENT_TYPE, 'content-length', String(Buffer.byteLength(text))]
  if ((status === 503 || status === 504) && !said.includes('retry-after')) headers.push('retry-after', '1')
  if (status === 401) headers.push('www-authenticate', 'Bearer')
  if (!request.complete) headers.push('connection', 'close') // what is still coming of the body is not read
  headers.push('cache-control', 'no-store')
  response.writeHead(status, withUsual(headers, usual))
  response.end(text)
  request.resume()
}
