import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  request as send,
} from 'node:http'
import { type AddressInfo, connect, createServer as createSocketServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { jwksVerifier, TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import { uuidV7 } from '@micromart/kernel/ids'
import type { Broker } from '@micromart/messaging/broker'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { type Logger, silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { exportJWK, SignJWT } from 'jose'
import { staticBalancer, type Upstreams } from '../src/balancer.ts'
import { createForwarder } from '../src/forwarder.ts'
import { createGateway, type GatewayOptions } from '../src/gateway.ts'
import { gateway, type RunningGateway } from '../src/main.ts'
import { createRouter } from '../src/router.ts'
import type { Route } from '../src/routes.ts'

/** Nobody listens here. */
export const nowhere = 'http://127.0.0.1:9'

export const clock = fakeClock()
const ids = uuidV7(clock)
const log = silentLogger()

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** What came of the body, once it has ended or was cut off. */
  readonly body: Promise<{ readonly text: string; readonly whole: boolean }>
}

export interface Service {
  readonly url: string
  readonly seen: readonly Seen[]
}

/** A real HTTP server that notes what it is asked; it answers 200 when the whole request is there, unless told otherwise. */
export async function startService(t: TestContext, answer: RequestListener = answerAll): Promise<Service> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    seen.push(noted(request))
    answer(request, response)
  })
  t.after(() => server.close().closeAllConnections())
  return { url: await listening(server), seen }
}

const answerAll: RequestListener = (request, response) =>
  void request.once('end', () => response.setHeader('content-type', 'application/json').end('{"from":"the service"}'))

function noted(request: IncomingMessage): Seen {
  let text = ''
  request.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const body = new Promise<{ text: string; whole: boolean }>((resolve) => {
    request.once('close', () => resolve({ text, whole: request.complete }))
  })
  return { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
}

/** A server that speaks whatever it likes. */
export async function startSocketService(t: TestContext, talk: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>()
  const server = createSocketServer((socket) => {
    open.add(socket.on('error', () => {}).once('close', () => open.delete(socket)))
    talk(socket)
  })
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return listening(server)
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const allAt = (urls: readonly string[]) => Object.fromEntries(serviceNames.map((name) => [name, urls])) as Upstreams

/** A route of the order service, open to all. */
export const route = (methodAndPath: string, options: Partial<Route> = {}): Route => {
  const [method = '', path = ''] = methodAndPath.split(' ')
  return { method, path, service: 'order', access: 'public', bodyLimit: 1_024, deadlineMs: 5_000, ...options }
}

export interface GatewayTo
  extends Pick<GatewayOptions, 'rateLimits' | 'cache' | 'manners' | 'clientOf' | 'suspicions'> {
  readonly url: string | readonly string[]
  readonly routes: readonly Route[]
  readonly jwksUrl?: string
  readonly mostInFlight?: number
  readonly now?: () => number
  /** How long a whole request may take to come; 0 for however long. */
  readonly requestTimeoutMs?: number
}

/** A gateway with routes of the test's own, all of them to one service. */
export async function startGatewayTo(t: TestContext, options: GatewayTo): Promise<string> {
  const { url, routes, jwksUrl = nowhere, mostInFlight = 256, now, requestTimeoutMs, ...policies } = options
  const balancer = staticBalancer(allAt(typeof url === 'string' ? [url] : url))
  const server = createGateway({
    findRoute: createRouter(routes),
    pages: new Map(),
    forwarder: createForwarder({ balancer, services: serviceNames, mostInFlight, ...(now ? { now } : {}) }),
    verifyToken: jwksVerifier({ jwksUrls: [jwksUrl], clock }),
    ids,
    log,
    ...policies,
  })
  server.requestTimeout = requestTimeoutMs ?? server.requestTimeout
  t.after(async () => {
    server.close().closeAllConnections()
    await balancer.close()
  })
  return listening(server)
}

/** The gateway as it is deployed; services that are not named are down. */
export async function startGateway(
  t: TestContext,
  services: Partial<Record<ServiceName, string>> & {
    jwks?: string
    port?: string
    drainMs?: number
    /** More variables of the environment. */
    given?: Readonly<Record<string, string>>
    log?: Logger
    broker?: Broker
  } = {},
): Promise<RunningGateway> {
  const { jwks = nowhere, port = '0', drainMs = 0, given = {}, log: own = log, broker, ...up } = services
  const urls = Object.entries({ ...allAt([nowhere]), ...up }).map(([name, url]) => [
    `${name.toUpperCase()}_URL`,
    String(url),
  ])
  const environment = {
    ...{ PORT: port, JWKS_URL: jwks, DRAIN_MS: String(drainMs), ...Object.fromEntries(urls) },
    ...{ USER_GRPC_URL: nowhere, INTERNAL_TOKEN: 'test-internal-token', ...given },
  }
  const door = await gateway.start({ environment, log: own, clock, ids, broker })
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= door.close()
    return closed
  }
  t.after(close)
  return { ...door, close }
}

export interface Call {
  readonly method?: string
  /** Sent as it is: nothing is normalised. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  readonly token?: string
  /** Where the connection comes from: 127.0.0.1 if nothing is said, and any other of the loopback network. */
  readonly from?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely
  readonly body: any
}

/** One request on a connection of its own. */
export async function ask(url: string, { method = 'GET', path, headers, body, token, from }: Call): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const request = send({
    hostname,
    port,
    method,
    path,
    headers: { ...authorization, ...headers },
    agent: false,
    ...(from ? { localAddress: from } : {}),
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return answerOf(response)
}

/** @throws when the answer is cut off */
export async function answerOf(response: IncomingMessage): Promise<Answer> {
  const text = (await response.setEncoding('utf8').toArray()).join('')
  const { 'content-type': type, 'content-encoding': packed } = response.headers
  const isJson = type?.includes('json') && packed === undefined && text !== ''
  const { statusCode: status = 0, headers } = response
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined }
}

/** Sends exactly these lines and tells everything that comes back until the other side closes. */
export async function sendRaw(url: string, ...lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(lines.join('\r\n'), 'latin1')
  return (await socket.setEncoding('latin1').toArray()).join('')
}

export interface Issuer {
  readonly jwksUrl: string
  /** A good token, or one that differs in what is given. */
  sign(change?: { claims?: object; header?: object; withKeyOf?: 'somebody else' }): Promise<string>
  as(...roles: readonly string[]): Promise<string>
}

/** Gives out keys and signs access tokens, as the user service does. */
export async function startIssuer(t: TestContext): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const somebody = generateKeyPairSync('ed25519')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }]
  const { url } = await startService(t, (_request, response) => response.end(JSON.stringify({ keys })))
  const nowS = Math.floor(clock.now().getTime() / 1_000)
  const genuine = { iss: TOKEN_ISSUER, aud: TOKEN_AUDIENCE, sub: ids.next(), iat: nowS, exp: nowS + 60 }
  const sign: Issuer['sign'] = ({ claims, header, withKeyOf } = {}) =>
    new SignJWT({ ...genuine, roles: ['customer'], ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'test', ...header })
      .sign(withKeyOf ? somebody.privateKey : privateKey)
  return { jwksUrl: url, sign, as: (...roles) => sign({ claims: { roles } }) }
}
