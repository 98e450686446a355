import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type ClientHttp2Stream, createServer, type Http2Server } from 'node:http2'
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
import { Health } from '@micromart/contracts/gen/health_pb'
import { type Discovery, openDiscovery, type Watch } from '@micromart/discovery/discovery'
import { requestContext } from '@micromart/http-kit/request-context'
import { systemClock } from '@micromart/kernel/clock'
import { type Ids, uuidV7 } from '@micromart/kernel/ids'
import { createInstances } from '@micromart/kernel/instances'
import { currentContext, runInContext } from '@micromart/telemetry/context'
import { crashPoint } from '@micromart/telemetry/crash-points'
import { DeadlineOver } from '@micromart/telemetry/deadline'
import { timeLeft } from '@micromart/telemetry/in-time'
import { type Logger, silentLogger } from '@micromart/telemetry/logger'
import { ConfigError } from './config.ts'
import { addHealth } from './grpc-health.ts'

/**
 * Makes clients for other services' gRPC queries, whose instances are found by the addresses given and may come and go; each call has a deadline
 * and carries the trace and the internal token. @throws ConfigError for an address that cannot be read
 */
export type QueryClients = <S extends DescService>(service: S, addresses: readonly string[]) => Client<S>

/** For all that is asked for one answer; the first of several instances gets half of it. */
const DEADLINE_MS = 4_000

/** On each answer of one that was told to end: what `Connection: close` is in HTTP/1. */
const LEAVING = 'micromart-leaving'
/** Until it is gone. */
const LEAVING_MS = 5_000

const onlyStatic = () => openDiscovery({ log: silentLogger() })

const heard = new WeakSet<object>()

/**
 * Calls are told what breaks them, but the session manager stops listening to a session between its being open and its use: where no HTTP/2 is
 * spoken it fails just then, and an error that nobody hears would end the process.
 */
const hearErrors = (created: unknown) => {
  const { session } = (created as { stream: ClientHttp2Stream }).stream
  if (!session || heard.has(session)) return
  heard.add(session)
  session.on('error', () => {})
}

const STREAM_CREATED = 'http2.client.stream.created'

export function queryClients(internalToken: string, discovery: Discovery = onlyStatic()): QueryClients {
  unsubscribe(STREAM_CREATED, hearErrors) // once for the process, however often this is called
  subscribe(STREAM_CREATED, hearErrors)
  const interceptor: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${internalToken}`)
    const context = currentContext()
    if (context) {
      request.header.set('traceparent', context.traceparent)
      request.header.set('x-request-id', context.correlationId)
      if (context.deadline) request.header.set('x-deadline-ms', String(wholeMs(DEADLINE_MS)))
    }
    return next(request)
  }
  const connect = (baseUrl: string) => keepSession(baseUrl, interceptor)
  return (service, addresses) => {
    const watched = discovery.watch(addresses)
    if (!watched.ok) throw new ConfigError(watched.error.map(({ detail }) => detail))
    return createClient(service, anyOf(watched.value, connect))
  }
}

interface Connected {
  readonly baseUrl: string
  transport(): Transport
  /** The instance is not there any more: what it was asked is finished. */
  letGo(): void
}

/**
 * Asks one instance and, if that cannot answer, one other: queries change nothing, so they may be asked twice. The other has all the time that
 * is left. A single instance is asked a second time unless time is up, because a connection may end at the very moment it is used. One that
 * says that it leaves has answered its last for a while.
 */
function anyOf(watch: Watch, connect: (baseUrl: string) => Connected): Transport {
  const next = following(watch, connect)
  return {
    unary: async (...call) => {
      const [method, signal, mostMs = DEADLINE_MS, ...said] = call
      const timeoutMs = wholeMs(mostMs)
      if (watch.instances().length === 0) await watch.settled(timeoutMs / 2)
      const { first, second, passOver } = next()
      const dueAt = performance.now() + timeoutMs
      try {
        const firstMs = first === second ? timeoutMs : Math.ceil(timeoutMs / 2)
        const answer = await first.transport().unary(method, signal, firstMs, ...said)
        if (answer.header.has(LEAVING)) passOver(LEAVING_MS)
        return answer
      } catch (error) {
        const leftMs = Math.floor(dueAt - performance.now()) // gRPC knows no fractions
        if (signal?.aborted || leftMs <= 0 || !mayAskAgain(error, first === second)) throw error
        passOver()
        return second.transport().unary(method, signal, leftMs, ...said)
      }
    },
    stream: (...call) =>
      next()
        .first.transport()
        .stream(...call),
  }
}

const mayAskAgain = (error: unknown, isAlone: boolean) => isQueryUnavailable(error) && !(isAlone && isTimeUp(error))

/** Connections to the instances that there are now; gives the two to ask next. */
function following(watch: Watch, connect: (baseUrl: string) => Connected) {
  let all = watch.instances().map(connect)
  const instances = createInstances(all)
  watch.onChange((urls) => {
    const before = new Map(all.map((each) => [each.baseUrl, each]))
    all = urls.map((url) => before.get(url) ?? connect(url))
    instances.replace(all)
    for (const { baseUrl, letGo } of before.values()) if (!urls.includes(baseUrl)) letGo()
  })
  return () => {
    const [first, second] = instances.inOrder()
    if (!first) throw new ConnectError('no instance is known', Code.Unavailable)
    const passOver = (forMs?: number) => instances.passOver(first, forMs)
    return { first, second: second ?? first, passOver }
  }
}

/** What a call may take: no longer than the request that it belongs to has time. @throws ConnectError */
function wholeMs(mostMs: number): number {
  try {
    return Math.ceil(timeLeft(mostMs))
  } catch (cause) {
    throw ConnectError.from(cause, Code.DeadlineExceeded)
  }
}

const isTimeUp = (error: unknown) => error instanceof ConnectError && error.code === Code.DeadlineExceeded

/**
 * One connection carries all calls, and it can be dead and look open: when a call gets no answer and no other has got one meanwhile, the next
 * calls go over a new one. What else is under way on the old one is left in peace: on a busy machine it is only slow, and to cancel it would
 * make more work.
 */
function keepSession(baseUrl: string, interceptor: Interceptor): Connected {
  const open = () => {
    const sessionManager = new Http2SessionManager(baseUrl)
    const interceptors = [interceptor, noticeSilence(() => replace(opened))]
    const transport = createGrpcTransport({ baseUrl, sessionManager, interceptors, defaultTimeoutMs: DEADLINE_MS })
    const opened = { transport, letGo: () => void setTimeout(() => sessionManager.abort(), DEADLINE_MS).unref() }
    return opened
  }
  let current = open()
  const replace = (silent: typeof current) => {
    if (silent !== current) return
    current = open()
    silent.letGo()
  }
  return { baseUrl, transport: () => current.transport, letGo: () => current.letGo() }
}

/** Tells when a call got no answer in time and no other has got one since it began. */
function noticeSilence(onSilence: () => void): Interceptor {
  let answeredAt = 0
  return (next) => async (request) => {
    const startedAt = performance.now()
    try {
      const answer = await next(request)
      answeredAt = performance.now()
      return answer
    } catch (error) {
      if (!isQueryUnavailable(error)) answeredAt = performance.now()
      else if (isTimeUp(error) && answeredAt < startedAt && hasWaited(startedAt)) onSilence()
      throw error
    }
  }
}

/** An asker in a hurry says nothing about the connection. */
const hasWaited = (startedAt: number) => performance.now() - startedAt > DEADLINE_MS / 3

export interface QueryServerOptions {
  readonly internalToken: string
  /** For requests that come without an id. */
  readonly ids?: Ids
  readonly log?: Logger
  /** Aborted once the service was told to end: from then on its health is NOT_SERVING, and each answer says so. */
  readonly leaving?: AbortSignal
}

const never = new AbortController().signal

/**
 * Serves gRPC over HTTP/2 to those who know the internal token, and to nobody else; only the standard health service answers all. Each query
 * runs in the context of the request that caused it.
 */
export function queryServer(
  routes: (router: ConnectRouter) => void,
  { internalToken, ids = uuidV7(systemClock), log = silentLogger(), leaving = never }: QueryServerOptions,
): Http2Server {
  const guard: Interceptor = (next) => async (request) => {
    if (request.service.typeName === Health.typeName) return next(request)
    if (request.header.get('authorization') !== `Bearer ${internalToken}`)
      throw new ConnectError('the internal token is missing or wrong', Code.Unauthenticated)
    const headers = Object.fromEntries(
      ['x-request-id', 'traceparent', 'x-deadline-ms'].map((name) => [name, request.header.get(name) ?? undefined]),
    )
    return runInContext(requestContext(headers, ids), () => answer(next, request))
  }
  const answer: Answer = async (next, request) => {
    const kinds = () => [`query:${request.method.name}`]
    await crashPoint('query.before', kinds)
    const answered = await next(request).catch((error: unknown) => {
      if (error instanceof DeadlineOver) throw new ConnectError(error.message, Code.DeadlineExceeded)
      if (!(error instanceof ConnectError)) log.error({ err: error, query: request.method.name }, 'a query failed')
      throw error
    })
    await crashPoint('query.after', kinds)
    if (leaving.aborted) answered.header.set(LEAVING, 'yes')
    return answered
  }
  const withHealth = (router: ConnectRouter) => {
    routes(router)
    addHealth(router, leaving)
  }
  return createServer(connectNodeAdapter({ routes: withHealth, interceptors: [guard] }))
}

type Next = ReturnType<Interceptor>
type Answer = (next: Next, request: Parameters<Next>[0]) => ReturnType<Next>

/** True when the asked service cannot answer now, as against having refused. */
export const isQueryUnavailable = (error: unknown): boolean =>
  error instanceof ConnectError &&
  [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted, Code.Internal, Code.Unknown].includes(
    error.code,
  )
