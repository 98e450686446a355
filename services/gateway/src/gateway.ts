import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { anonymous, bearerToken, requireAccess, type VerifyToken } from '@micromart/http-kit/identity'
import { kitProblem, PROBLEM_CONTENT_TYPE, ProblemError, problem } from '@micromart/http-kit/problem'
import { requestContext } from '@micromart/http-kit/request-context'
import type { Ids } from '@micromart/kernel/ids'
import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import { crashPoint } from '@micromart/telemetry/crash-points'
import type { Logger } from '@micromart/telemetry/logger'
import type { Forwarder } from './proxy.ts'
import { createRouter, type Match, targetFault } from './router.ts'
import type { Route } from './routes.ts'
import { refuseUnreadable } from './unreadable.ts'

/** A page that the gateway answers itself. */
export type Page = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

export interface GatewayOptions {
  readonly routes: readonly Route[]
  /** By exact path, or by a prefix that ends with a slash. */
  readonly pages: ReadonlyMap<string, Page>
  readonly proxy: Forwarder
  readonly verifyToken: VerifyToken
  readonly ids: Ids
  readonly log: Logger
}

const PAGE_METHODS = ['GET', 'HEAD']

/** The single entry point: routes by method and path, checks who asks, and passes bodies through without touching them. */
export function createGateway(options: GatewayOptions): Server {
  const { pages, proxy, verifyToken, log } = options
  const route = createRouter(options.routes)

  const answer = async (request: IncomingMessage, response: ServerResponse, context: WorkContext) => {
    const target = request.url ?? '/'
    const [path = '/'] = target.split('?', 1)
    refuseUnfit(request)
    refuseTricks(target, path)
    const { method = 'GET' } = request
    const page = pageOf(pages, path)
    if (page && PAGE_METHODS.includes(method)) return page(request, response)
    const match = routed(page ? { allowed: PAGE_METHODS } : route(method, path), response)
    const token = bearerToken(request.headers.authorization)
    requireAccess(match.access, token === undefined ? anonymous : await verifyToken(token))
    const kinds = () => [`request:${match.method} ${match.path}`]
    if (match.method !== 'GET') await crashPoint('forward.before', kinds)
    await proxy.pass({ request, response, route: match, context })
    if (match.method !== 'GET') await crashPoint('forward.after', kinds)
  }

  const latest = new WeakMap<Duplex, ServerResponse>()
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    latest.set(request.socket, response)
    const context = requestContext(request.headers, options.ids)
    response.setHeader('x-request-id', context.correlationId)
    void runInContext(context, () => answer(request, response, context)).catch((error: unknown) =>
      runInContext(context, () => fail(error, { request, response, log })),
    )
  }
  return createServer({ ...LIMITS, requireHostHeader: false }, handle)
    .on('checkExpectation', handle)
    .on('clientError', (error, socket) =>
      refuseUnreadable(error, socket, { latest: latest.get(socket), context: requestContext({}, options.ids) }),
    )
}

const LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 }

/** What Node would refuse without a word, or let pass: RFC 9110, sections 7.2 and 10.1.1; RFC 9112, section 3.2. */
function refuseUnfit({ httpVersion, headersDistinct: { host = [] }, headers: { expect } }: IncomingMessage) {
  if (host.length === 0 && httpVersion === '1.1') throw kitProblem('request.malformed', 'The header Host is missing')
  if (host.length > 1) throw kitProblem('request.malformed', 'There are two hosts')
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new ProblemError(417, { code: 'request.unknown-expectation', detail: 'Nobody here knows what is expected' })
}

function refuseTricks(target: string, path: string) {
  const fault = targetFault(target, path)
  if (fault === 'too-long')
    throw new ProblemError(414, { code: 'request.target-too-long', detail: 'The address is too long' })
  if (fault === 'malformed') throw kitProblem('request.malformed', 'The address has parts that no address here has')
}

function pageOf(pages: ReadonlyMap<string, Page>, path: string): Page | undefined {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return pages.get(path) ?? (folder === '/' ? undefined : pages.get(folder))
}

function routed(match: Match, response: ServerResponse): Route {
  if (!match) throw kitProblem('route.unknown', 'There is nothing at this address')
  if ('route' in match) return match.route
  response.setHeader('allow', match.allowed.join(', '))
  throw new ProblemError(405, {
    code: 'route.method-not-allowed',
    detail: `This address takes ${match.allowed.join(', ')}`,
  })
}

function fail(
  error: unknown,
  { request, response, log }: { request: IncomingMessage; response: ServerResponse; log: Logger },
) {
  if (response.headersSent || response.destroyed) return response.destroy()
  const known = error instanceof ProblemError
  if (!known) log.error({ err: error, method: request.method }, 'a request failed in the gateway')
  const body = known
    ? problem(error.status, error.refusal)
    : problem(500, { code: 'service.failed', detail: 'Something went wrong here; the trace id helps to find out what' })
  if (body.status === 503 || body.status === 504) response.setHeader('retry-after', '1')
  if (body.status === 401) response.setHeader('www-authenticate', 'Bearer')
  if (!request.complete) response.setHeader('connection', 'close') // what is still coming of the body is not read
  const text = JSON.stringify(body)
  response.writeHead(body.status, { 'content-type': PROBLEM_CONTENT_TYPE, 'content-length': Buffer.byteLength(text) })
  response.end(text)
  request.resume()
}
