import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { bearerToken, requireAccess, type VerifyToken } from '@micromart/http-kit/identity'
import { kitProblem, ProblemError } from '@micromart/http-kit/problem'
import { requestContext } from '@micromart/http-kit/request-context'
import type { Ids } from '@micromart/kernel/ids'
import { crashPoint } from '@micromart/telemetry/crash-points'
import type { Logger } from '@micromart/telemetry/logger'
import type { Answer } from './answer.ts'
import { identifyByKey, isApiKey } from './api-keys/identify-by-key.ts'
import type { ApiKeys } from './api-keys/key-exchange.ts'
import { type Client, clientsBehind } from './client.ts'
import { Exchange, GatewayResponse } from './exchange.ts'
import type { Forwarder } from './forwarder.ts'
import { LateContext } from './late-context.ts'
import { KEEP_ALIVE_MS } from './prepared-head.ts'
import { fail } from './refusal.ts'
import { type FindRoute, type Match, targetFault } from './router.ts'
import type { Suspicions } from './suspicions.ts'
import { refuseUnreadable } from './unreadable.ts'
import { isHandshake, upgradeRequired } from './web-sockets/handshake.ts'
import type { WebSockets } from './web-sockets/web-sockets.ts'

/** A page that the gateway answers itself. */
export type Page = (request: IncomingMessage, response: GatewayResponse) => Promise<void> | void

/** How much everybody may ask. At once where it can be known at once. */
export interface RateLimits {
  /** Counts a request, says the state of the limits on the exchange, and returns why it is refused, if it is. */
  admit(exchange: Exchange): ProblemError | undefined | Promise<ProblemError | undefined>
  /** Counts a token that was not good. @returns what to say instead of 401, if there were too many of them */
  badToken(exchange: Exchange): ProblemError | undefined
  /** Whether so few came from there lately that more may be tried; counts nothing. */
  mayGuess(exchange: Exchange): boolean
}

/** Answers that are kept here for a while. */
export interface ResponseCache {
  /** True when it sees to the answer, now or later, asking the service itself if need be; false for what it never keeps. */
  serve(exchange: Exchange, ways: Ways): boolean
  /** What is kept may depend on a write: the answer to it on its way to the client. */
  watch(exchange: Exchange, answer: Answer): Answer
}

export interface Ways {
  readonly forward: Forwarder['forward']
  /** Where an answer to this exchange goes, dressed as every answer is. */
  readonly answerOf: (exchange: Exchange) => Answer
}

/** What belongs to every request and every answer, whoever gives it. */
export interface Manners {
  /** First of all. May say headers that every answer carries. True when it has answered itself, as it does for a CORS preflight. */
  greet?(exchange: Exchange): boolean
  /** Once a service or a cache is asked: changes an answer on its way to the client, such as compressing it. */
  dress?(exchange: Exchange): Answer
  /** The answer is sent, or the connection is gone. */
  part?(exchange: Exchange): void
}

export interface GatewayOptions {
  /** Asked for each request, so the routes may change at any time. */
  readonly findRoute: FindRoute
  /** By exact path, or by a prefix that ends with a slash. */
  readonly pages: ReadonlyMap<string, Page>
  readonly forwarder: Forwarder
  readonly verifyToken: VerifyToken
  /** Without them a key is a token that is no good. */
  readonly apiKeys?: ApiKeys
  readonly ids: Ids
  readonly log: Logger
  /** Who asks, behind proxies that are trusted; by default whoever has opened the connection. */
  readonly clientOf?: (request: IncomingMessage) => Client
  readonly rateLimits?: RateLimits
  readonly cache?: ResponseCache
  readonly manners?: Manners
  /** Without them a route for one is closed. */
  readonly webSockets?: WebSockets
  /** Told of every refusal. */
  readonly suspicions?: Suspicions
  /** Called for each request that is over. */
  readonly measure?: (exchange: Exchange) => void
}

const PAGE_METHODS = ['GET', 'HEAD']

const peers = clientsBehind(() => false)

/**
 * The single entry point. Every request goes the same way: address checks, route, identity, rate limit, access, cache, service. As long as
 * each step knows at once, all of it happens in one go, without a promise.
 */
export function createGateway(options: GatewayOptions): Server<typeof IncomingMessage, typeof GatewayResponse> {
  const {
    pages,
    findRoute,
    forwarder,
    verifyToken,
    apiKeys,
    rateLimits,
    cache,
    manners,
    webSockets,
    suspicions,
    measure,
    log,
    ids,
  } = options
  const answerOf = (exchange: Exchange) => manners?.dress?.(exchange) ?? exchange
  const ways: Ways = { forward: forwarder.forward, answerOf }
  const clientOf = options.clientOf ?? peers

  const begin = (exchange: Exchange): Promise<void> | void => {
    if (manners?.greet?.(exchange)) return
    refuseUnfit(exchange)
    refuseTricks(exchange)
    const page = pageOf(pages, exchange.path)
    if (page && PAGE_METHODS.includes(exchange.method)) return limitedPage(page, exchange)
    const match = page ? { allowed: PAGE_METHODS } : findRoute(exchange.method, exchange.path)
    if (match && 'route' in match) exchange.found = match.route
    else throw counted(exchange) ?? nothingThere(exchange, match)
    return identify(exchange)
  }

  /** Whoever asks for pages, or looks for doors, is counted too. */
  const counted = (exchange: Exchange): ProblemError | undefined => {
    const refusal = rateLimits?.admit(exchange)
    return refusal instanceof ProblemError ? refusal : undefined
  }

  const limitedPage = (page: Page, exchange: Exchange) => {
    const refusal = counted(exchange)
    if (refusal) throw refusal
    return showPage(page, exchange)
  }

  const callerOf = (exchange: Exchange, token: string) =>
    apiKeys && isApiKey(token)
      ? identifyByKey(apiKeys, exchange, { key: token, mayGuess: () => rateLimits?.mayGuess(exchange) ?? true })
      : verifyToken(token)

  const identify = (exchange: Exchange): Promise<void> | void => {
    const { authorization } = exchange.headers
    if (authorization === undefined) return limit(exchange)
    let caller: ReturnType<VerifyToken>
    try {
      caller = callerOf(exchange, bearerToken(authorization) ?? '')
    } catch (error) {
      throw badToken(exchange, error)
    }
    if (!(caller instanceof Promise)) {
      exchange.caller = caller
      return limit(exchange)
    }
    return caller.then(
      (known) => {
        exchange.caller = known
        return limit(exchange)
      },
      (error: unknown) => {
        throw isBadToken(error) ? badToken(exchange, error) : error
      },
    )
  }

  const badToken = (exchange: Exchange, error: unknown): unknown => {
    const tooMany = rateLimits?.badToken(exchange)
    if (tooMany) suspicions?.note(error, exchange) // told now, or never
    return tooMany ?? error
  }

  const limit = (exchange: Exchange): Promise<void> | void => {
    const refusal = rateLimits?.admit(exchange)
    if (refusal === undefined) return enter(exchange)
    if (refusal instanceof ProblemError) throw refusal
    return refusal.then((reason) => {
      if (reason) throw reason
      return enter(exchange)
    })
  }

  const enter = (exchange: Exchange): Promise<void> | void => {
    requireAccess(exchange.route.access, exchange.caller)
    if (exchange.response.destroyed) return // the client went while something was asked about it
    if (exchange.route.isWebSocket) return openWebSocket(exchange)
    if (cache?.serve(exchange, ways)) return
    const waiting = isRead(exchange) ? undefined : crashPoint('forward.before', () => [kindOf(exchange)])
    if (waiting === undefined) return pass(exchange)
    return waiting.then(() => pass(exchange))
  }

  const openWebSocket = (exchange: Exchange) => {
    if (!webSockets) throw upgradeRequired(exchange)
    exchange.work = webSockets.open(exchange, forwarder.forward)
  }

  const pass = (exchange: Exchange) => {
    const answer = answerOf(exchange)
    exchange.work = forwarder.forward(exchange, cache?.watch(exchange, answer) ?? answer)
  }

  const refuse = (exchange: Exchange, error: unknown) => {
    suspicions?.note(error, exchange)
    fail(exchange, error, log)
  }

  const latest = new WeakMap<Duplex, GatewayResponse>()
  const handle = (request: IncomingMessage, response: GatewayResponse) => {
    latest.set(request.socket, response)
    const exchange = new Exchange(request, response, {
      client: clientOf(request),
      context: new LateContext(request.headers, ids),
    })
    response.on('close', ended)
    try {
      begin(exchange)?.catch((error: unknown) => refuse(exchange, error))
    } catch (error) {
      refuse(exchange, error)
    }
  }

  function ended(this: GatewayResponse) {
    const { exchange } = this
    if (!exchange) return
    if (!this.writableFinished) exchange.work?.cancel()
    manners?.part?.(exchange)
    measure?.(exchange)
    if (!exchange.work || isRead(exchange)) return
    crashPoint('forward.after', () => [kindOf(exchange)])?.catch(() => this.destroy())
  }

  /** Not while an answer is still owed on the same connection: then it is a request like any other, and refused. */
  const shouldUpgradeCallback = (request: IncomingMessage) =>
    webSockets !== undefined &&
    latest.get(request.socket)?.writableFinished !== false &&
    isHandshake(request, findRoute)

  const server = createServer(
    { ...LIMITS, requireHostHeader: false, ServerResponse: GatewayResponse, shouldUpgradeCallback },
    handle,
  )
  webSockets?.serve(server)
  return server
    .on('checkExpectation', handle)
    .on('clientError', (error, socket) =>
      refuseUnreadable(error, socket, { latest: latest.get(socket), context: requestContext({}, ids), suspicions }),
    )
}

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
}
/** Of a request; a browser sends about twenty. */
const MOST_HEADERS = 100

const isRead = ({ found }: Exchange) => found?.method === 'GET'

const kindOf = ({ route }: Exchange) => `request:${route.method} ${route.path}`

const isBadToken = (error: unknown) => error instanceof ProblemError && error.status === 401

function showPage(page: Page, { request, response, said, usual }: Exchange): Promise<void> | void {
  const headers = [...usual, ...said]
  for (let index = 0; index < headers.length; index += 2)
    response.setHeader(headers[index] ?? '', headers[index + 1] ?? '')
  return page(request, response)
}

/** What Node would refuse without a word, or let pass: RFC 9110, sections 7.2 and 10.1.1; RFC 9112, section 3.2. */
function refuseUnfit({ request, headers: { host, expect } }: Exchange): void {
  if (request.rawHeaders.length > 2 * MOST_HEADERS)
    throw new ProblemError(431, {
      code: 'request.too-many-headers',
      detail: `A request has at most ${MOST_HEADERS} headers here`,
    })
  if (host === undefined && request.httpVersion === '1.1')
    throw kitProblem('request.malformed', 'The header Host is missing')
  if (host !== undefined && hasTwoHosts(request)) throw kitProblem('request.malformed', 'There are two hosts')
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new ProblemError(417, { code: 'request.unknown-expectation', detail: 'Nobody here knows what is expected' })
}

/** Of several Host headers only the first is in `headers`. */
function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1
}

function refuseTricks({ target, path }: Exchange): void {
  const fault = targetFault(target, path)
  if (fault === undefined) return
  if (fault === 'too-many-parameters')
    throw new ProblemError(400, { code: 'request.too-many-parameters', detail: 'The address has too many parameters' })
  if (fault === 'malformed') throw kitProblem('request.malformed', 'The address has parts that no address here has')
  throw new ProblemError(414, { code: 'request.target-too-long', detail: 'The address is too long' })
}

function pageOf(pages: ReadonlyMap<string, Page>, path: string): Page | undefined {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return pages.get(path) ?? (folder === '/' ? undefined : pages.get(folder))
}

function nothingThere(exchange: Exchange, match: Extract<Match, { allowed: unknown }> | undefined): ProblemError {
  if (!match) return kitProblem('route.unknown', 'There is nothing at this address')
  const allowed = match.allowed.join(', ')
  exchange.said.push('allow', allowed)
  return new ProblemError(405, { code: 'route.method-not-allowed', detail: `This address takes ${allowed}` })
}
