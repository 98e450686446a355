import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { PROBLEM_CONTENT_TYPE, ProblemError, problem } from '@micromart/http-kit/problem'
import type { Refusal } from '@micromart/kernel/result'
import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import type { Suspicions } from './suspicions.ts'

interface Fault {
  readonly status: number
  readonly refusal: Refusal
}

const tooLargeHeaders: Fault = {
  status: 431,
  refusal: { code: 'request.headers-too-large', detail: 'The headers are larger than this accepts' },
}
const tooSlow: Fault = {
  status: 408,
  refusal: { code: 'request.too-slow', detail: 'The request took too long to come' },
}
const noHttp: Fault = { status: 400, refusal: { code: 'request.malformed', detail: 'This is not HTTP' } }

const faults: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: tooLargeHeaders,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
}

const isBeingSent = (response: ServerResponse | undefined) =>
  response?.headersSent === true && !response.writableFinished

/**
 * What cannot be read as HTTP never becomes a request, so the answer is written onto the socket; unless another answer is on its
 * way there already.
 */
export function refuseUnreadable(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  {
    latest,
    context,
    suspicions,
  }: { latest: ServerResponse | undefined; context: WorkContext; suspicions: Suspicions | undefined },
) {
  if (!socket.writable || error.code === 'ECONNRESET' || isBeingSent(latest)) return socket.destroy()
  const { status, refusal } = faults[error.code ?? ''] ?? noHttp
  suspicions?.note(new ProblemError(status, refusal, error), { context })
  const body = JSON.stringify(runInContext(context, () => problem(status, refusal)))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${context.correlationId}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
