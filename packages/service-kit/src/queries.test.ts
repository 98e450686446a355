import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { Health, HealthCheckResponse_ServingStatus as Status } from '@micromart/contracts/gen/health_pb'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { openDiscovery } from '@micromart/discovery/discovery'
import { currentContext, runInContext } from '@micromart/telemetry/context'
import { DeadlineOver, deadlineIn } from '@micromart/telemetry/deadline'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { type FaultProxy, startFaultProxy } from '@micromart/testkit/fault-proxy'
import { until } from '@micromart/testkit/until'
import { ConfigError } from './config.ts'
import { isQueryUnavailable, queryClients, queryServer } from './queries.ts'

const nowhere = 'http://127.0.0.1:9'
const token = 'test-internal-token'

type Answer = () => { found: boolean; name: string } | Promise<never>

/** One instance of the user service; it can be ended with all its connections. */
async function startInstance(t: TestContext, answer: Answer) {
  let asked = 0
  const getContact = () => {
    asked += 1
    return answer()
  }
  const leaving = new AbortController()
  const server = queryServer((router) => void router.service(UserQueries, { getContact }), {
    internalToken: token,
    leaving: leaving.signal,
  })
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  const end = () => {
    server.close()
    for (const session of sessions) session.destroy()
  }
  t.after(end)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    end,
    leave: () => leaving.abort(),
  }
}

const ask = (instances: readonly string[]) => {
  const client = queryClients(token)(UserQueries, instances)
  return async () => (await client.getContact({ userId: 'somebody' })).name
}
const named = (name: string) => () => ({ found: true, name })

test('an address where no HTTP/2 is spoken refuses the call, and hurts nobody else', async (t) => {
  const server = createHttpServer((_request, response) => response.end('hello'))
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const name = ask([`http://127.0.0.1:${(server.address() as AddressInfo).port}`])
  for (let turn = 0; turn < 3; turn += 1) await assert.rejects(name, isQueryUnavailable)
})

describe('queries to several instances', () => {
  test('take turns, and go on when one ends', async (t) => {
    const [a, b] = [await startInstance(t, named('a')), await startInstance(t, named('b'))]
    const name = ask([a.url, b.url])
    assert.deepEqual([await name(), await name(), await name(), await name()], ['a', 'b', 'a', 'b'])
    a.end()
    for (let turn = 0; turn < 4; turn += 1) assert.equal(await name(), 'b')
  })

  test('one that cannot answer is replaced by another; one that refuses is not', async (t) => {
    const broken = await startInstance(t, () => Promise.reject(new ConnectError('broken', Code.Unavailable)))
    const refusing = await startInstance(t, () => Promise.reject(new ConnectError('no', Code.InvalidArgument)))
    const good = await startInstance(t, named('good'))
    assert.equal(await ask([nowhere, good.url])(), 'good')
    assert.equal(await ask([broken.url, good.url])(), 'good')
    await assert.rejects(ask([refusing.url, good.url])(), { code: Code.InvalidArgument })
    assert.deepEqual([broken.asked(), refusing.asked(), good.asked()], [1, 1, 2])
  })

  test('one that leaves says so with its answer, and others are asked instead', async (t) => {
    const [leaving, staying] = [await startInstance(t, named('leaving')), await startInstance(t, named('staying'))]
    const name = ask([leaving.url, staying.url])
    leaving.leave()
    const names = [await name(), await name(), await name(), await name()]
    assert.deepEqual(names, ['leaving', 'staying', 'staying', 'staying'])
    assert.equal(await ask([leaving.url])(), 'leaving', 'while it is the only one, it is asked')
  })

  test('a single one is asked twice, and then it is said that nobody answers', async (t) => {
    const broken = await startInstance(t, () => Promise.reject(new ConnectError('broken', Code.Unavailable)))
    await assert.rejects(ask([broken.url])(), { code: Code.Unavailable })
    assert.equal(broken.asked(), 2)
  })
})

const TOKEN = 'a token that only services know'

describe('queries over a broken network', () => {
  const server = queryServer(
    (router) => {
      router.service(UserQueries, {
        getContact: ({ userId }) => ({ found: true, name: userId, email: 'a@example.com' }),
      })
    },
    { internalToken: TOKEN },
  )
  const sessions = new Set<{ destroy(): void }>()
  let proxy: FaultProxy

  before(async () => {
    server.on('session', (session) => sessions.add(session))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    proxy = await startFaultProxy({ upstreams: () => [{ port }] })
  })
  after(async () => {
    await proxy.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  const client = (token = TOKEN) => queryClients(token)(UserQueries, [`http://127.0.0.1:${proxy.port}`])

  test('are answered to those who know the token, and to nobody else', async () => {
    assert.equal((await client().getContact({ userId: 'ada' })).name, 'ada')
    await assert.rejects(client('another').getContact({ userId: 'ada' }), (error) => !isQueryUnavailable(error))
  })

  test('one that gets no answer takes no other along', async (t) => {
    const gate = Promise.withResolvers<void>()
    const asked: string[] = []
    const slow = queryServer(
      (router) =>
        void router.service(UserQueries, {
          getContact: async ({ userId }) => {
            asked.push(userId)
            if (userId === 'silent') await once(t.signal, 'abort').catch(() => {})
            else await gate.promise
            return { found: true, name: userId }
          },
        }),
      { internalToken: TOKEN },
    )
    slow.on('session', (session) => t.after(() => session.destroy()))
    t.after(() => slow.close())
    await once(slow.listen(0, '127.0.0.1'), 'listening')
    const user = queryClients(TOKEN)(UserQueries, [`http://127.0.0.1:${(slow.address() as AddressInfo).port}`])
    const silent = assert.rejects(user.getContact({ userId: 'silent' }, { timeoutMs: 200 }), isQueryUnavailable)
    const other = user.getContact({ userId: 'other' })
    await silent
    gate.resolve()
    assert.equal((await other).name, 'other')
    assert.deepEqual(asked, ['silent', 'other'])
  })

  for (const kind of ['half-open', 'refuse', 'partition'] as const)
    test(`are answered again after the network was broken: ${kind}`, async () => {
      const user = client()
      await user.getContact({ userId: 'ada' })
      await proxy.apply({ kind })
      if (kind === 'refuse') proxy.reset()
      await assert.rejects(user.getContact({ userId: 'ada' }), isQueryUnavailable)
      await proxy.heal()
      const answered = async () =>
        user.getContact({ userId: 'ada' }).then(
          ({ name }) => name === 'ada',
          () => false,
        )
      await until(answered, { withinMs: 8_000, what: 'the old client gets an answer on a new connection' })
    })
})

/** A user service that tells what it sees of each call. */
async function startWitness(t: TestContext, getContact: () => Promise<{ found: boolean }>) {
  const seen: { timeoutMs: number | undefined; context: ReturnType<typeof currentContext> }[] = []
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ service: 'user', destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  const leaving = new AbortController()
  const server = queryServer(
    (router) =>
      void router.service(UserQueries, {
        getContact: (_request, context) => {
          seen.push({ timeoutMs: context.timeoutMs(), context: currentContext() })
          log.info('asked')
          return getContact()
        },
      }),
    { internalToken: token, log, leaving: leaving.signal },
  )
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  t.after(() => {
    server.close()
    for (const session of sessions) session.destroy()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, seen, lines, connections: () => sessions.size, leave: () => leaving.abort() }
}

const found = async () => ({ found: true })

describe('a query belongs to the request that caused it', () => {
  const traceId = 'a'.repeat(32)
  const context = {
    correlationId: 'request-1',
    causationId: 'request-1',
    traceparent: `00-${traceId}-${'b'.repeat(16)}-01`,
  }
  const askIn = (url: string) =>
    runInContext(context, () => queryClients(token)(UserQueries, [url]).getContact({ userId: 'ada' }))

  test('the trace goes on with a span of its own, the request id stays, and both stand in the logs', async (t) => {
    const { url, seen, lines } = await startWitness(t, found)
    await askIn(url)
    const inside = seen[0]?.context
    assert.equal(inside?.correlationId, 'request-1')
    assert.match(inside?.traceparent ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    assert.notEqual(inside?.traceparent, context.traceparent)
    assert.deepEqual([lines[0]?.['correlationId'], lines[0]?.['traceId']], ['request-1', traceId])
  })

  test('without one, or with a bad one, a trace begins', async (t) => {
    const { url, seen } = await startWitness(t, found)
    await ask([url])()
    await runInContext({ ...context, correlationId: 'bad id', traceparent: '00-nonsense' }, () => ask([url])())
    for (const { context: inside } of seen) {
      assert.match(inside?.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
      assert.match(inside?.correlationId ?? '', /^[0-9a-f-]{36}$/)
    }
  })

  test('what goes wrong inside is logged with them, and not told to the asker', async (t) => {
    const { url, lines } = await startWitness(t, () => Promise.reject(new Error('the table is gone')))
    await assert.rejects(askIn(url), (error: Error) => !error.message.includes('table'))
    const failures = lines.filter(({ msg }) => msg === 'a query failed')
    assert.deepEqual([failures[0]?.['traceId'], failures[0]?.['query']], [traceId, 'GetContact'])
  })

  test('carries its deadline: all of it for one instance, half of it for the first of several, the rest for the next', async (t) => {
    const { url, seen } = await startWitness(t, found)
    await ask([url])()
    await ask([url, nowhere])()
    await ask([nowhere, url])()
    const [alone = 0, oneOfTwo = 0, afterRefusal = 0] = seen.map(({ timeoutMs }) => timeoutMs)
    assert.ok(afterRefusal > 2_000 && afterRefusal <= 4_000, `${afterRefusal}`)
    assert.ok(alone > 2_000 && alone <= 4_000, `${alone}`)
    assert.ok(oneOfTwo > 0 && oneOfTwo <= 2_000, `${oneOfTwo}`)
  })

  test('takes no longer than the request has time, and tells the other side', async (t) => {
    const { url, seen } = await startWitness(t, found)
    const deadline = deadlineIn(900, () => 0)
    await runInContext({ ...context, deadline }, ask([url]))
    const [{ timeoutMs = 0, context: inside } = {}] = seen
    assert.ok(timeoutMs > 0 && timeoutMs <= 900, `${timeoutMs}`)
    const left = inside?.deadline?.remainingMs() ?? Number.POSITIVE_INFINITY
    assert.ok(left <= 900, `${left}`)
  })

  test('is not asked at all when the request has no time left', async (t) => {
    const { url, seen } = await startWitness(t, found)
    const deadline = deadlineIn(0, () => 0)
    await assert.rejects(runInContext({ ...context, deadline }, ask([url])), { code: Code.DeadlineExceeded })
    assert.equal(seen.length, 0)
  })

  test('a short time that ends says nothing about instance and connection', async (t) => {
    const { promise: never, resolve } = Promise.withResolvers<{ found: boolean }>()
    const { url, seen, connections } = await startWitness(t, () => (seen.length === 1 ? never : found()))
    const client = queryClients(token)(UserQueries, [url])
    const hurried = runInContext({ ...context, deadline: deadlineIn(50) }, () => client.getContact({ userId: 'ada' }))
    await assert.rejects(hurried, { code: Code.DeadlineExceeded })
    resolve({ found: true })
    await client.getContact({ userId: 'ada' })
    assert.deepEqual([seen.length, connections()], [2, 1])
  })

  test('whose time ends inside of the other side is told as that, and is no failure', async (t) => {
    const { url, lines } = await startWitness(t, () => Promise.reject(new DeadlineOver()))
    await assert.rejects(askIn(url), { code: Code.DeadlineExceeded })
    assert.ok(lines.every(({ msg }) => msg !== 'a query failed'))
  })
})

describe('instances that are looked up', () => {
  test('come and go without a failed query', async (t) => {
    const consul = await startConsulStandIn()
    t.after(consul.close)
    const discovery = openDiscovery({ log: silentLogger() })
    t.after(discovery.close)
    const put = (id: string, url: string) =>
      consul.put({ id, name: 'user-grpc', address: '127.0.0.1', port: Number(new URL(url).port) })
    const [a, b] = [await startInstance(t, named('a')), await startInstance(t, named('b'))]
    put('a', a.url)
    const client = queryClients(token, discovery)(UserQueries, [`consul://127.0.0.1:${consul.port}/user-grpc`])
    const name = async () => (await client.getContact({ userId: 'somebody' })).name
    assert.equal(await name(), 'a', 'the first query waits for the first answer')
    put('b', b.url)
    await until(async () => (await name()) === 'b', { what: 'the new one is asked' })
    consul.remove('a')
    await until(async () => (await name()) + (await name()) === 'bb', { what: 'the old one is not' })
  })

  test('none: said at once when it is known, and after a while when it is not', async (t) => {
    const consul = await startConsulStandIn()
    t.after(consul.close)
    const discovery = openDiscovery({ log: silentLogger() })
    t.after(discovery.close)
    const client = queryClients(token, discovery)(UserQueries, [`consul://127.0.0.1:${consul.port}/user-grpc`])
    await assert.rejects(client.getContact({ userId: 'somebody' }), isQueryUnavailable)
  })

  test('an address that nobody can read is named at once', () => {
    assert.throws(() => queryClients(token)(UserQueries, ['consul://nowhere']), ConfigError)
  })
})

describe('the health service', () => {
  const health = (url: string) => createClient(Health, createGrpcTransport({ baseUrl: url }))

  test('answers everybody: the server, each of its services, and no other', async (t) => {
    const { url, seen } = await startWitness(t, found)
    for (const service of ['', 'micromart.user.v1.UserQueries', 'grpc.health.v1.Health'])
      assert.equal((await health(url).check({ service })).status, Status.SERVING)
    await assert.rejects(health(url).check({ service: 'micromart.cart.v1.CartQueries' }), { code: Code.NotFound })
    assert.equal(seen.length, 0)
  })

  test('says that it is not serving once it leaves, while queries are still answered', async (t) => {
    const { url, leave } = await startWitness(t, found)
    leave()
    assert.equal((await health(url).check({})).status, Status.NOT_SERVING)
    await ask([url])()
  })

  test('who watches is told at that moment, and then it is over', async (t) => {
    const { url, leave } = await startWitness(t, found)
    const told: Status[] = []
    for await (const { status } of health(url).watch({ service: 'micromart.user.v1.UserQueries' })) {
      told.push(status)
      leave()
    }
    assert.deepEqual(told, [Status.SERVING, Status.NOT_SERVING])
  })

  test('an unknown service may be watched: it is said to be unknown', async (t) => {
    const { url, leave } = await startWitness(t, found)
    const told: Status[] = []
    for await (const { status } of health(url).watch({ service: 'nobody' })) {
      told.push(status)
      leave()
    }
    assert.deepEqual(told, [Status.SERVICE_UNKNOWN])
  })
})
