import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { topology } from '@micromart/contracts/topology'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { silentLogger } from '@micromart/telemetry/logger'
import { type ConsulStandIn, startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { freePorts } from '@micromart/testkit/free-ports'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'
import Type from 'typebox'
import { runService } from './run-service.ts'
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
