import type { IncomingHttpHeaders } from 'node:http'
import type { Ids } from '@micromart/kernel/ids'
import { continueTrace, type WorkContext } from '@micromart/telemetry/context'
import { type Deadline, deadlineIn } from '@micromart/telemetry/deadline'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/

/** Nobody waits longer; no gateway tells more. */
const LONGEST_MS = 300_000

/**
 * The context of a request by its headers: a harmless `x-request-id` is kept, a trace goes on with a span of its own, and the deadline is the one
 * that the gateway tells: it lets nobody else tell one.
 */
export function requestContext(headers: IncomingHttpHeaders, ids: Ids): WorkContext {
  const requestId = requestIdOf(headers, ids)
  const deadline = deadlineOf(headers['x-deadline-ms'])
  return {
    correlationId: requestId,
    causationId: requestId,
    traceparent: traceparentOf(headers),
    ...(deadline ? { deadline } : {}),
  }
}

export function requestIdOf(headers: IncomingHttpHeaders, ids: Ids): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next()
}

export function traceparentOf({ traceparent }: IncomingHttpHeaders): string {
  return continueTrace(typeof traceparent === 'string' ? traceparent : undefined)
}

function deadlineOf(header: IncomingHttpHeaders[string]): Deadline | undefined {
  if (typeof header !== 'string' || !/^\d{1,6}$/.test(header)) return undefined
  const lengthMs = Number(header)
  return lengthMs > LONGEST_MS ? undefined : deadlineIn(lengthMs)
}
