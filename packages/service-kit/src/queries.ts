import { createServer, type Http2Server } from 'node:http2'
import type { DescService } from '@bufbuild/protobuf'
import {
  type Client,
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect'
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { createInstances } from '@micromart/kernel/instances'
import { currentContext } from '@micromart/telemetry/context'
import { crashPoint } from '@micromart/telemetry/crash-points'

/** Makes clients for other services' gRPC queries; each call has a deadline and carries the trace and the internal token. */
export type QueryClients = <S extends DescService>(service: S, instances: readonly string[]) => Client<S>

/** For all that is asked for one answer; one of several instances gets half of it. */
const DEADLINE_MS = 4_000

export function queryClients(internalToken: string): QueryClients {
  const interceptor: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${internalToken}`)
    const context = currentContext()
    if (context) {
      request.header.set('traceparent', context.traceparent)
      request.header.set('x-request-id', context.correlationId)
    }
    return next(request)
  }
  return (service, instances) => {
    const defaultTimeoutMs = instances.length > 1 ? DEADLINE_MS / 2 : DEADLINE_MS
    const transports = instances.map((baseUrl) => {
      const sessionManager = new Http2SessionManager(baseUrl)
      const interceptors = [interceptor, replaceSilent(sessionManager)]
      return createGrpcTransport({ baseUrl, sessionManager, interceptors, defaultTimeoutMs })
    })
    return createClient(service, anyOf(transports))
  }
}

/**
 * Asks one instance and, if that cannot answer, one other: queries change nothing, so they may be asked twice. A single instance is asked
 * a second time unless time is up, because a connection may end at the very moment it is used.
 */
function anyOf(transports: readonly Transport[]): Transport {
  const instances = createInstances(transports)
  const next = () => {
    const [first, second = first] = instances.inOrder()
    if (!first || !second) throw new ConnectError('no instance is configured', Code.Unavailable)
    return [first, second] as const
  }
  return {
    unary: async (...call) => {
      const [first, second] = next()
      try {
        return await first.unary(...call)
      } catch (error) {
        const [, signal] = call
        if (signal?.aborted || !isQueryUnavailable(error)) throw error
        if (first === second && isTimeUp(error)) throw error
        instances.passOver(first)
        return second.unary(...call)
      }
    },
    stream: (...call) => next()[0].stream(...call),
  }
}

const isTimeUp = (error: unknown) => error instanceof ConnectError && error.code === Code.DeadlineExceeded

/**
 * One connection carries all calls, and it can be dead and look open: when a call gets no answer and no other has got one meanwhile, the connection
 * goes, so that the next call begins anew. One slow call alone is no reason: it would take the others along.
 */
function replaceSilent(session: Http2SessionManager): Interceptor {
  let answeredAt = 0
  return (next) => async (request) => {
    const startedAt = performance.now()
    try {
      const answer = await next(request)
      answeredAt = performance.now()
      return answer
    } catch (error) {
      if (!isQueryUnavailable(error)) answeredAt = performance.now()
      else if (isTimeUp(error) && answeredAt < startedAt) session.abort()
      throw error
    }
  }
}

/** Serves gRPC over HTTP/2 to those who know the internal token, and to nobody else. */
export function queryServer(routes: (router: ConnectRouter) => void, internalToken: string): Http2Server {
  const guard: Interceptor = (next) => async (request) => {
    if (request.header.get('authorization') !== `Bearer ${internalToken}`)
      throw new ConnectError('the internal token is missing or wrong', Code.Unauthenticated)
    const kinds = () => [`query:${request.method.name}`]
    await crashPoint('query.before', kinds)
    const answer = await next(request)
    await crashPoint('query.after', kinds)
    return answer
  }
  return createServer(connectNodeAdapter({ routes, interceptors: [guard] }))
}

/** True when the asked service cannot answer now, as against having refused. */
export const isQueryUnavailable = (error: unknown): boolean =>
  error instanceof ConnectError &&
  [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted, Code.Internal, Code.Unknown].includes(
    error.code,
  )
