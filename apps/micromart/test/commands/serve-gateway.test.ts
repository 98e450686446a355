import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { serviceNames } from '@micromart/service-kit/service'
import { freePorts } from '@micromart/testkit/free-ports'
import { until } from '@micromart/testkit/until'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const PATH = '/api/v1/products'

/** A service that answers at once, unless the address says that it is to wait. */
async function startService(t: TestContext) {
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (request.url?.includes('wait')) waiting.push(response)
    else response.end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, waiting }
}

const environmentOf = (service: string, port: number | string) => ({
  ...process.env,
  ...Object.fromEntries(serviceNames.map((name) => [`${name.toUpperCase()}_URL`, service])),
  PORT: String(port),
  JWKS_URL: service,
  USER_GRPC_URL: 'http://127.0.0.1:9',
  INTERNAL_TOKEN: 'test-internal-token',
  GATEWAY_PROCESSES: '2',
  LOG_LEVEL: 'fatal',
})

async function startGateways(t: TestContext, service: string) {
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const program = spawn(process.execPath, [MAIN, 'serve', 'gateway'], {
    env: { ...environmentOf(service, port), METRICS_PORT: String(metricsPort) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.after(() => program.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  const isUp = () => status(`${url}/health`).then(() => workersOf(program).length === 2)
  await until(() => isUp().catch(() => false), { what: 'both processes are there', withinMs: 30_000 })
  return { program, url, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` }
}

const workersOf = ({ pid }: ChildProcess) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function status(url: string, agent: Agent | false = false): Promise<number> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
  await response.toArray()
  return response.statusCode ?? 0
}

describe('a gateway of two processes', { skip: process.platform !== 'linux' && 'it looks into /proc' }, () => {
  test('shares the port, replaces one that dies, and tells the metrics of all', async (t) => {
    const { url: service } = await startService(t)
    const { program, url, metricsUrl } = await startGateways(t, service)
    for (let count = 0; count < 10; count += 1) assert.equal(await status(url + PATH), 200)
    const counted = /_count\{[^}]*route="\/api\/v1\/products"[^}]*status="2xx"[^}]*\} 10\n/
    const isCounted = async () => counted.test(await (await fetch(metricsUrl)).text())
    await until(isCounted, { what: 'the requests of both are counted together', withinMs: 20_000 })
    const [first = 0, second = 0] = workersOf(program)
    process.kill(first, 'SIGKILL')
    await until(async () => workersOf(program).some((pid) => pid !== first && pid !== second), {
      what: 'another has taken its place',
    })
    for (let count = 0; count < 10; count += 1) assert.equal(await status(url + PATH), 200)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`at ${signal} finishes what runs, and then nobody is left`, async (t) => {
      const { url: service, waiting } = await startService(t)
      const { program, url } = await startGateways(t, service)
      const workers = workersOf(program)
      const agent = new Agent({ keepAlive: true })
      t.after(() => agent.destroy())
      const running = [status(`${url}${PATH}?wait`, agent), status(`${url}${PATH}?wait`, agent)]
      await until(async () => waiting.length === 2, { what: 'the service is asked' })
      const ended = once(program, 'exit')
      program.kill(signal)
      const isClosed = () =>
        fetch(`${url}/health`, { signal: AbortSignal.timeout(500) }).then(
          () => false,
          () => true,
        )
      await until(isClosed, { what: 'nobody new is let in' })
      for (const response of waiting) response.end('{}')
      assert.deepEqual(await Promise.all(running), [200, 200])
      assert.deepEqual(await ended, [0, null])
      assert.deepEqual(workers.filter(isAlive), [])
    })

  test('when it cannot start, says why and leaves nobody behind', async (t) => {
    const { url: service } = await startService(t)
    const { url } = await startGateways(t, service)
    const second = spawn(process.execPath, [MAIN, 'serve', 'gateway'], {
      env: environmentOf(service, new URL(url).port),
    })
    t.after(() => second.kill('SIGKILL'))
    const words = second.stderr.setEncoding('utf8').toArray()
    const [code] = await once(second, 'exit')
    assert.notEqual(code, 0)
    assert.match((await words).join(''), /EADDRINUSE|in use/)
  })
})
