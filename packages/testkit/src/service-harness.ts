import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Envelope } from '@micromart/contracts/envelope'
import type { MessageType } from '@micromart/contracts/message'
import type { Permission, Role } from '@micromart/contracts/permissions'
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import { uuidV7 } from '@micromart/kernel/ids'
import type { BatchHandler, Broker } from '@micromart/messaging/broker'
import { type Database, openDatabase } from '@micromart/postgres/database'
import { runService } from '@micromart/service-kit/run-service'
import type { AnyServiceDefinition } from '@micromart/service-kit/service'
import { continueTrace } from '@micromart/telemetry/context'
import { silentLogger } from '@micromart/telemetry/logger'
import { exportJWK, SignJWT } from 'jose'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { createTestDatabase } from './test-database.ts'
import { until } from './until.ts'

export interface HttpCall {
  readonly method: string
  readonly url: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** A bearer token, as `token()` makes them. */
  readonly token?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely
  readonly body: any
}

export interface TokenWish {
  readonly userId?: string
  readonly roles?: readonly Role[]
  readonly keyScope?: readonly Permission[]
}

export interface ServiceHarness {
  readonly url: string
  readonly grpcUrl: string
  readonly database: Database
  readonly clock: FakeClock
  readonly internalToken: string
  call(call: HttpCall): Promise<HttpAnswer>
  /** An access token for a new or the given user, or for an API key of this scope. */
  token(options?: TokenWish): Promise<string>
  /** Delivers a message, twice unless told otherwise, as the broker would. */
  deliver<Data>(type: MessageType<Data>, data: Data, options?: { id?: string; times?: number }): Promise<void>
  /** Delivers several different messages in one batch, and the whole batch twice. */
  deliverBatch(messages: readonly { type: MessageType<never>; data: unknown }[]): Promise<void>
  /** Everything this service has sent, oldest first. */
  outbox(): Promise<readonly { type: string; data: Record<string, unknown> }[]>
  /** Lets every timer that is due (by the fake clock) run, and what follows from it, until none is due. */
  runTimers(): Promise<void>
  close(): Promise<void>
}

/** A whole service on a database of its own, its broker in the test's hands and its clock standing still. */
export async function startServiceForTest(
  definition: AnyServiceDefinition,
  options: { env?: Readonly<Record<string, string>>; selfPort?: number; ownKeys?: boolean } = {},
): Promise<ServiceHarness> {
  const testDatabase = await createTestDatabase()
  const keys = await testKeys()
  const clock = fakeClock()
  const ids = uuidV7(clock)
  const broker = recordingBroker()
  const selfPort = options.selfPort ?? (await freePort())
  const cleanUp = async () => {
    keys.close()
    await testDatabase.drop()
  }
  const running = await runService(definition, {
    broker,
    clock,
    ids,
    log: silentLogger(),
    environment: {
      MICROMART_ENV: 'development',
      PORT: String(selfPort),
      DATABASE_URL: testDatabase.url,
      INTERNAL_TOKEN: 'test-internal-token',
      // the user service verifies with the keys that it gives out itself
      JWKS_URL: options.ownKeys ? `http://127.0.0.1:${selfPort}/.well-known/jwks.json` : keys.jwksUrl,
      PUBLIC_URL: 'http://127.0.0.1:3000',
      SELF_URL: `http://127.0.0.1:${selfPort}`,
      USER_GRPC_URL: 'http://127.0.0.1:9',
      CART_GRPC_URL: 'http://127.0.0.1:9',
      PRODUCT_GRPC_URL: 'http://127.0.0.1:9',
      ORDER_GRPC_URL: 'http://127.0.0.1:9',
      PAYMENT_GRPC_URL: 'http://127.0.0.1:9',
      NOTIFICATION_GRPC_URL: 'http://127.0.0.1:9',
      LOG_LEVEL: 'silent',
      ...options.env,
    },
  }).catch(async (error: unknown) => {
    await cleanUp()
    throw error
  })
  const database = openDatabase({ url: testDatabase.url, poolSize: 2 })
  const deliverBodies = async (bodies: readonly string[], times: number) => {
    for (let attempt = 1; attempt <= times; attempt++) {
      const verdicts = await broker.handler()(bodies.map((body) => ({ body, attempt: 1, exhausted: false })))
      if (verdicts.some(({ kind }) => kind !== 'done')) throw new Error('A delivered message was not handled')
    }
  }
  const seal = (
    type: { type: string; owner: string; subjectOf(data: unknown): string },
    data: unknown,
    id = ids.next(),
  ): Envelope => ({
    specversion: '1.0',
    id,
    source: `/${type.owner}`,
    type: type.type,
    subject: type.subjectOf(data),
    time: clock.now().toISOString(),
    datacontenttype: 'application/json',
    dataschema: '',
    correlationid: id,
    causationid: id,
    traceparent: continueTrace(undefined),
    data,
  })
  return {
    url: running.url,
    grpcUrl: running.grpcUrl ?? '',
    database,
    clock,
    internalToken: 'test-internal-token',
    call: (call) => callHttp(running.url, call),
    token: ({ userId = ids.next(), roles = ['customer'], keyScope } = {}) =>
      keys.sign(userId, keyScope ? { client_id: userId, scope: keyScope.join(' ') } : { roles }, clock.now()),
    deliver: (type, data, { id, times = 2 } = {}) => deliverBodies([JSON.stringify(seal(type, data, id))], times),
    deliverBatch: (messages) =>
      deliverBodies(
        messages.map(({ type, data }) => JSON.stringify(seal(type, data))),
        2,
      ),
    outbox: () => database.query(`SELECT type, envelope -> 'data' AS data FROM outbox ORDER BY id`),
    runTimers: () =>
      until(
        async () => {
          const rows = await database.query<{ due: number }>(
            'SELECT count(*)::int AS due FROM timers WHERE due_at <= $1 OR attempts > 0',
            [clock.now()],
          )
          return rows[0]?.due === 0
        },
        { what: 'all due timers have run' },
      ).then(() => undefined),
    close: async () => {
      await running.close()
      await database.close()
      await cleanUp()
    },
  }
}

async function callHttp(base: string, { method, url, body, headers = {}, token }: HttpCall): Promise<HttpAnswer> {
  const response = await fetch(`${base}${url}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  }
}

/** Confirms everything at once and hands the service's handler to the test. */
function recordingBroker(): Broker & { handler(): BatchHandler } {
  let handler: BatchHandler | undefined
  return {
    publish: (messages) => messages.map(() => Promise.resolve({ confirmed: true as const })),
    subscribe: async (_queue, _options, handle) => {
      handler = handle
      return { close: async () => {} }
    },
    listen: async () => ({ close: async () => {} }),
    close: async () => {},
    handler: () => {
      if (!handler) throw new Error('The service listens to no messages')
      return handler
    },
  }
}

async function testKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    jwksUrl: `http://127.0.0.1:${port}/jwks.json`,
    sign: (subject: string, claims: Record<string, unknown>, now: Date) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'test' })
        .setSubject(subject)
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setIssuedAt(Math.floor(now.getTime() / 1_000))
        .setExpirationTime(Math.floor(now.getTime() / 1_000) + 3_600)
        .sign(privateKey),
    close: () => server.close(),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
