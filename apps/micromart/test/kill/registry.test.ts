import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gateway, type RunningGateway } from '@micromart/gateway/main'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { unlimited } from '@micromart/proof/unlimited'
import { serviceNames } from '@micromart/service-kit/service'
import { silentLogger } from '@micromart/telemetry/logger'
import { type ConsulStandIn, startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { freePorts } from '@micromart/testkit/free-ports'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const PRODUCTS = '/api/v1/products'
const NOWHERE = 'http://127.0.0.1:9'
/** A service is critical ten seconds after its last sign of life; the machine may be busy. */
const PATIENCE_MS = 60_000

const host = await createVirtualHost()

describe('kill -9 of a service that has registered itself', { skip: skipWithout(host), timeout: 240_000 }, () => {
  let consul: ConsulStandIn
  let database: Awaited<ReturnType<typeof createTestDatabase>>
  let door: RunningGateway
  let ports: readonly number[]
  const children = new Set<ChildProcess>()

  before(async () => {
    consul = await startConsulStandIn()
    database = await createTestDatabase()
    ports = await freePorts(3)
  })
  after(async () => {
    await door?.close()
    await Promise.all([...children].map(kill))
    await consul?.close()
    await database?.drop()
    if ('drop' in host) await host.drop()
  })

  /** As a container runs it; resolves when its doors are open. */
  const startProduct = async (port: number): Promise<ChildProcess> => {
    const { PATH = '', HOME = '' } = process.env
    const others = ['USER_GRPC_URL', 'CART_GRPC_URL', 'PRODUCT_GRPC_URL', 'JWKS_URL', 'PUBLIC_URL']
    const env = {
      ...{ PATH, HOME, LOG_LEVEL: 'error', PORT: String(port), SELF_URL: `http://127.0.0.1:${port}` },
      ...{
        DATABASE_URL: database.url,
        BROKER_URL: 'url' in host ? host.url : '',
        INTERNAL_TOKEN: 'test-internal-token',
      },
      ...Object.fromEntries(others.map((name) => [name, NOWHERE])),
      DISCOVERY_URL: `consul://127.0.0.1:${consul.port}`,
    }
    const child = spawn(process.execPath, [MAIN, 'serve', 'product'], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.add(child)
    const outcome = await Promise.race([once(child, 'message'), once(child, 'exit')])
    assert.deepEqual(outcome, ['ready', undefined])
    return child
  }
  const startDoor = (metricsPort: number) =>
    gateway.start({
      environment: {
        ...Object.fromEntries(serviceNames.map((name) => [`${name.toUpperCase()}_URL`, NOWHERE])),
        ...{ PORT: '0', METRICS_PORT: String(metricsPort), CACHE_MIB: '0', ...unlimited },
        ...{ JWKS_URL: NOWHERE, USER_GRPC_URL: NOWHERE, INTERNAL_TOKEN: 'test-internal-token' },
        PRODUCT_URL: `consul://127.0.0.1:${consul.port}/product`,
      },
      ...{ log: silentLogger(), clock: systemClock, ids: uuidV7(systemClock) },
    })
  const get = async () => {
    const response = await fetch(door.url + PRODUCTS)
    await response.arrayBuffer()
    return response.status
  }
  const stateOf = (port: number) => consul.services().get(`product-127.0.0.1-${port}`)?.state
  const is = (port: number, state: string | undefined) =>
    until(async () => stateOf(port) === state, { what: `${port} is ${state}`, withinMs: PATIENCE_MS })
  const known = (metricsPort: number, count: number) =>
    until(
      async () => {
        const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
        return text.includes(`micromart_gateway_instances{service="product"} ${count}\n`)
      },
      { what: `the gateway knows ${count}`, withinMs: PATIENCE_MS },
    )

  test('nobody notices: the other one answers, the registry forgets it, and it comes back when it is started again', async () => {
    const [one = 0, two = 0, metricsPort = 0] = ports
    const first = await startProduct(one)
    const second = await startProduct(two)
    await Promise.all([is(one, 'passing'), is(two, 'passing')])
    door = await startDoor(metricsPort)
    await known(metricsPort, 2)
    const crowd = shoppers(get)

    await kill(first)
    const answered = crowd.answers.length
    await until(async () => crowd.answers.length > answered + 100, {
      what: 'the other one answers',
      withinMs: PATIENCE_MS,
    })
    await is(one, 'critical')
    await known(metricsPort, 1)
    assert.equal(await requestsTo(one, crowd.answers), 0)

    await startProduct(one)
    await is(one, 'passing')
    await known(metricsPort, 2)
    await kill(second)
    const before = crowd.answers.length
    await until(async () => crowd.answers.length > before + 100, { what: 'the new one answers', withinMs: PATIENCE_MS })
    await is(two, 'critical')
    await known(metricsPort, 1)

    await crowd.leave()
    assert.deepEqual(new Set(crowd.answers), new Set([200]))
  })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Four who read on and on. */
function shoppers(get: () => Promise<number>) {
  const answers: number[] = []
  let isOver = false
  const one = async () => {
    while (!isOver) answers.push(await get().catch(() => 0))
  }
  const all = Array.from({ length: 4 }, one)
  return {
    answers,
    leave: async () => {
      isOver = true
      await Promise.all(all)
    },
  }
}

/** How many requests come to this port, where somebody else listens now, while two hundred are answered. */
async function requestsTo(port: number, answers: readonly number[]): Promise<number> {
  let requests = 0
  const impostor = createServer((_request, response) => {
    requests += 1
    response.end('[]')
  })
  await once(impostor.listen(port, '127.0.0.1'), 'listening')
  const before = answers.length
  await until(async () => answers.length > before + 200, { what: 'answers', withinMs: PATIENCE_MS })
  impostor.closeAllConnections()
  await new Promise((resolve) => impostor.close(resolve))
  return requests
}
