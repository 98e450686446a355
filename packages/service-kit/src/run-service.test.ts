import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { topology } from '@micromart/contracts/topology'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { openDatabase } from '@micromart/postgres/database'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { type ConsulStandIn, startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { freePorts } from '@micromart/testkit/free-ports'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'
import Type from 'typebox'
import { type RunOptions, runService } from './run-service.ts'
import { defineService } from './service.ts'

/** A service that does nothing, registered with Consul (stand-in) unless told otherwise. */
async function start(t: TestContext, consul: ConsulStandIn, environment: Readonly<Record<string, string>> = {}) {
  const database = await createTestDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'micromart-no-migrations-'))
  const broker = createMemoryBroker({ topology })
  t.after(async () => {
    await broker.close()
    await database.drop()
    await rm(dir, { recursive: true })
  })
  const definition = defineService({
    name: 'user',
    config: Type.Object({}),
    migrations: pathToFileURL(`${dir}/`),
    build: async () => ({
      queries: (router) => void router.service(UserQueries, { getContact: () => ({ found: false }) }),
    }),
  })
  const [port = 0] = await freePorts(1)
  const service = await runService(definition, {
    broker,
    log: silentLogger(),
    environment: {
      PORT: String(port),
      DATABASE_URL: database.url,
      INTERNAL_TOKEN: 'test-internal-token',
      JWKS_URL: 'http://127.0.0.1:9',
      PUBLIC_URL: 'http://127.0.0.1:3000',
      SELF_URL: `http://127.0.0.1:${port}`,
      USER_GRPC_URL: 'http://127.0.0.1:9',
      CART_GRPC_URL: 'http://127.0.0.1:9',
      PRODUCT_GRPC_URL: 'http://127.0.0.1:9',
      DISCOVERY_URL: `consul://127.0.0.1:${consul.port}`,
      ...environment,
    },
  })
  t.after(service.close)
  return { service, port }
}

const startConsul = async (t: TestContext) => {
  const consul = await startConsulStandIn({ token: 'a token' })
  t.after(consul.close)
  return consul
}

const statesOf = (consul: ConsulStandIn) =>
  Object.fromEntries([...consul.services()].map(([id, { state }]) => [id, state]))

/** A role of its own, which the server may have no room for. */
async function openTenant(t: TestContext) {
  const database = await createTestDatabase()
  const admin = openDatabase({ url: database.url, poolSize: 1 })
  const role = new URL(database.url).pathname.slice(1)
  await admin.execute(`CREATE ROLE ${role} LOGIN PASSWORD 'tenant'`)
  await admin.execute(`GRANT ALL ON SCHEMA public TO ${role}`)
  t.after(async () => {
    await admin.close()
    await database.drop()
  })
  const url = new URL(database.url)
  url.username = role
  url.password = 'tenant'
  const allow = (connections: number) => admin.execute(`ALTER ROLE ${role} CONNECTION LIMIT ${connections}`)
  return { url: url.href, port: Number(url.port), admin, allow }
}

/** Starts a service that does nothing; says what it waits for. */
async function startOn(t: TestContext, url: string, options: Partial<RunOptions> & { patienceMs?: number }) {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-no-migrations-'))
  const broker = createMemoryBroker({ topology })
  t.after(async () => {
    await broker.close()
    await rm(dir, { recursive: true })
  })
  const lines: Record<string, unknown>[] = []
  const definition = defineService({
    name: 'user',
    config: Type.Object({}),
    migrations: pathToFileURL(`${dir}/`),
    build: async () => ({}),
  })
  const starting = runService(definition, {
    broker,
    log: createLogger({ service: 'user', destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
    environment: {
      PORT: '0',
      DATABASE_URL: url,
      INTERNAL_TOKEN: 'test-internal-token',
      JWKS_URL: 'http://127.0.0.1:9',
      PUBLIC_URL: 'http://127.0.0.1:3000',
      SELF_URL: 'http://127.0.0.1:3001',
      USER_GRPC_URL: 'http://127.0.0.1:9',
      CART_GRPC_URL: 'http://127.0.0.1:9',
      PRODUCT_GRPC_URL: 'http://127.0.0.1:9',
      START_PATIENCE_MS: String(options.patienceMs ?? 60_000),
    },
    ...options,
  })
  t.after(() =>
    starting.then(
      (service) => service.close(),
      () => {},
    ),
  )
  const waited = () => lines.filter(({ code }) => code === 'start.waiting')
  return { starting, waited }
}

describe('a start whose store cannot be used yet', () => {
  /** The obstacle is taken away once the start has met with it, and the start gets over it. */
  const getsOver = async (t: TestContext, url: string, remove: () => unknown) => {
    const { starting, waited } = await startOn(t, url, { onWaiting: () => void remove() })
    const service = await starting
    assert.equal((await fetch(`${service.url}/ready`)).status, 200)
    assert.ok(waited().length > 0)
    return waited().map(({ err }) => err as { code?: string; message: string })
  }

  for (const kind of ['refuse', 'partition'] as const)
    test(`waits for a database behind a network that fails: ${kind}`, async (t) => {
      const { url, port } = await openTenant(t)
      const proxy = await startFaultProxy({ upstreams: () => [{ port }] })
      t.after(() => proxy.close())
      await proxy.apply({ kind })
      await getsOver(t, proxy.urlOf(url), () => proxy.heal())
    })

  test('waits for a server that has no connection left', async (t) => {
    const { url, allow } = await openTenant(t)
    await allow(0)
    const [first] = await getsOver(t, url, () => allow(-1))
    assert.equal(first?.code, '53300')
  })

  test('waits for somebody else whose migrations take their time', async (t) => {
    const { url, admin } = await openTenant(t)
    const other = await admin.session()
    await other.query('SELECT pg_advisory_lock(7310001)')
    const impatient = new URL(url)
    impatient.searchParams.set('statement_timeout', '200')
    const [first] = await getsOver(t, impatient.href, () => other.end())
    assert.equal(first?.code, '57014')
  })

  test('waits no longer than it should, nor when it is told to end', async (t) => {
    const { url, allow } = await openTenant(t)
    await allow(0)
    const once = await startOn(t, url, { patienceMs: 0 })
    await assert.rejects(once.starting, { code: '53300' })
    assert.equal(once.waited().length, 0)
    const leaving = new AbortController()
    const told = await startOn(t, url, { leaving: leaving.signal, onWaiting: () => leaving.abort() })
    await assert.rejects(told.starting, { code: '53300' })
    assert.equal(told.waited().length, 1)
  })

  test('does not wait for what will not change: a database that is not there', async (t) => {
    const { url } = await openTenant(t)
    const { starting, waited } = await startOn(t, `${url}_or_another`, {})
    await assert.rejects(starting, { code: '3D000' })
    assert.equal(waited().length, 0)
  })
})

describe('a service in the registry', () => {
  test('is found once its doors are open, and gone before it stops answering', async (t) => {
    const consul = await startConsul(t)
    const { service, port } = await start(t, consul, { DISCOVERY_TOKEN: 'a token', DRAIN_MS: '1000' })
    const grpcPort = new URL(service.grpcUrl ?? '').port
    await until(async () => statesOf(consul)[`user-127.0.0.1-${port}`] === 'passing', { what: 'it is registered' })
    await until(async () => statesOf(consul)[`user-grpc-127.0.0.1-${grpcPort}`] === 'passing', { what: 'with gRPC' })
    const drained = service.drain()
    await until(async () => consul.services().size === 0, { what: 'it has left the registry' })
    assert.equal((await fetch(`${service.url}/health`)).status, 200, 'and is still there for who found it before')
    await drained
  })

  test('a service that is closed without draining leaves the registry too', async (t) => {
    const consul = await startConsul(t)
    const { service } = await start(t, consul, { DISCOVERY_TOKEN: 'a token' })
    await until(async () => consul.services().size === 2, { what: 'it is registered' })
    await service.close()
    assert.equal(consul.services().size, 0)
  })

  test('starts and ends without a registry that answers, and without one at all', async (t) => {
    const consul = await startConsul(t)
    const refused = await start(t, consul, { DISCOVERY_TOKEN: 'another token' })
    await until(async () => consul.asked.length > 0, { what: 'it has tried' })
    await refused.service.close()
    const alone = await start(t, consul, { DISCOVERY_URL: 'static:' })
    assert.equal((await fetch(`${alone.service.url}/ready`)).status, 200)
    assert.equal(consul.services().size, 0)
  })

  test('does not start with a registry that nobody can read', async (t) => {
    const consul = await startConsul(t)
    await assert.rejects(start(t, consul, { DISCOVERY_URL: 'zookeeper://a' }), { code: 'config.invalid' })
  })
})
