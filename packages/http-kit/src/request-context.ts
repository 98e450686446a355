import type { IncomingHttpHeaders } from 'node:http'
import type { Ids } from '@micromart/kernel/ids'
import { continueTrace, type WorkContext } from '@micromart/telemetry/context'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/

/** The context of a request by its headers: a harmless `x-request-id` is kept, a trace goes on with a span of its own. */
export function requestContext(headers: IncomingHttpHeaders, ids: Ids): WorkContext {
  const given = headers['x-request-id']
  const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next()
  const traceparent = headers['traceparent']
  return {
    correlationId: requestId,
    causationId: requestId,
    traceparent: continueTrace(typeof traceparent === 'string' ? traceparent : undefined),
  }
}
