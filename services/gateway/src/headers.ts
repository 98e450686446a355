import type { IncomingMessage } from 'node:http'
import type { WorkContext } from '@micromart/telemetry/context'

/** Headers of one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Received = Readonly<Record<string, string | string[] | undefined>>
type Passed = Record<string, string | string[]>

/** Headers that only the gateway itself may set: from outside they would be lies. */
const OURS =
  /^(?:x-user-|x-micromart-|x-forwarded-|forwarded$|x-real-ip$|x-request-id$|traceparent$|x-http-method|x-method-override$|expect$)/

/** What the service gets: the client's headers without lies and hop-by-hop ones, and who asked, from where and under which id. */
export function requestHeaders(request: IncomingMessage, context: WorkContext): Passed {
  const headers: Passed = {}
  for (const [name, value] of endToEnd(request.headers)) if (!OURS.test(name)) headers[name] = value
  headers['x-request-id'] = context.correlationId
  headers['traceparent'] = context.traceparent
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? ''
  headers['x-forwarded-host'] = request.headers.host ?? ''
  headers['x-forwarded-proto'] = 'http'
  return headers
}

/** What the client gets of the service's headers. */
export const responseHeaders = (headers: Received): Passed => Object.fromEntries(endToEnd(headers))

/** Without the headers of one connection, and without those that its Connection header names. */
function endToEnd(headers: Received): readonly (readonly [name: string, value: string | string[]])[] {
  const named = new Set(
    String(headers['connection'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || HOP_BY_HOP.has(name) || named.has(name) ? [] : [[name, value] as const],
  )
}
