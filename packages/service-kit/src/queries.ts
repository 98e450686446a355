import { createServer, type Http2Server } from 'node:http2'
import type { DescService } from '@bufbuild/protobuf'
import {
  type Client,
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  type Interceptor,
} from '@connectrpc/connect'
import { connectNodeAdapter, createGrpcTransport } from '@connectrpc/connect-node'
import { currentContext } from '@micromart/telemetry/context'
import { crashPoint } from '@micromart/telemetry/crash-points'

/** Makes clients for other services' gRPC queries; each call has a deadline and carries the trace and the internal token. */
export type QueryClients = <S extends DescService>(service: S, baseUrl: string) => Client<S>

const DEADLINE_MS = 2_000

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
  return (service, baseUrl) =>
    createClient(service, createGrpcTransport({ baseUrl, interceptors: [interceptor], defaultTimeoutMs: DEADLINE_MS }))
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
