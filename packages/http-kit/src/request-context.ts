import type { IncomingHttpHeaders } from 'node:http'
import type { Ids } from '@micromart/kernel/ids'
import { continueTrace, type WorkContext } from '@micromart/telemetry/context'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/

/** The context of a request by its headers: a harmless `x-request-id` is kept, a trace goes on with a span of its own. */
export function requestContext(headers: IncomingHttpHeaders, ids: Ids): WorkContext {
  const requestId = requestIdOf(headers, ids)
  return { correlationId: requestId, causationId: requestId, traceparent: traceparentOf(headers) }
}

export function requestIdOf(headers: IncomingHttpHeaders, ids: Ids): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next()
}

export function traceparentOf({ traceparent }: IncomingHttpHeaders): string {
  return continueTrace(typeof traceparent === 'string' ? traceparent : undefined)
}
