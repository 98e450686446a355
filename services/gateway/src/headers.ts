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

/** Headers that only the gateway itself may set: from outside they would be lies. */
const OURS =
  /^(?:x-user-|x-micromart-|x-forwarded-|forwarded$|x-real-ip$|x-request-id$|traceparent$|x-http-method|x-method-override$|expect$)/

/** What the service gets: the client's headers without lies and hop-by-hop ones, and who asked, from where and under which id. */
export function requestHeaders(request: IncomingMessage, context: WorkContext): Record<string, string | string[]> {
  const named = new Set((request.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name) && !OURS.test(name) && !named.has(name)) headers[name] = value
  headers['x-request-id'] = context.correlationId
  headers['traceparent'] = context.traceparent
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? ''
  headers['x-forwarded-host'] = request.headers.host ?? ''
  headers['x-forwarded-proto'] = 'http'
  return headers
}

/** What the client gets of the service's headers. */
export function responseHeaders(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) passed[name] = value
  return passed
}
