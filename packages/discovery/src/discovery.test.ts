import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { type ConsulStandIn, startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { type DiscoveryHarness, discoveryConformance } from '@micromart/testkit/discovery-conformance'
import { type DnsRecord, type DnsServer, startDnsServer } from '@micromart/testkit/dns-server'
import { until } from '@micromart/testkit/until'
import { openDiscovery, type Pace } from './discovery.ts'

const quick: Pace = {
  dns: { leastMs: 20, mostMs: 50 },
  consul: { waitMs: 300, leastMs: 5, backOff: { firstMs: 20, mostMs: 100 } },
  emptyAfterMs: 300,
}

function countingLog() {
  let lost = 0
  const write = (line: string) => {
    if (line.includes('cannot be looked up')) lost += 1
  }
  return { log: createLogger({ service: 'test', destination: { write } }), lost: () => lost }
}

type Instances = Parameters<DiscoveryHarness['set']>[1]

/** `recordsOf` gives what a name has for these instances, and what else there must be. */
async function dnsHarness(
  scheme: (name: string) => string,
  recordsOf: (server: DnsServer, instances: Instances) => readonly DnsRecord[],
): Promise<DiscoveryHarness> {
  const server = await startDnsServer()
  const { log, lost } = countingLog()
  let services = 0
  const names = new Map<string, string>()
  return {
    discovery: openDiscovery({ log, dnsServers: [server.address], pace: quick }),
    newService: () => {
      services += 1
      const name = `service-${services}.test`
      names.set(scheme(name), name)
      return scheme(name)
    },
    set: (address, instances) => server.set(names.get(address) ?? '', recordsOf(server, instances)),
    faults: Object.fromEntries(
      (['failing', 'silent'] as const).map((how) => [
        how,
        { break: async () => server.behave(how), heal: async () => server.behave('well') },
      ]),
    ),
    lost,
    close: () => server.close(),
  }
}

discoveryConformance('DNS (A and AAAA)', () =>
  dnsHarness(
    (name) => `dns:${name}:4001`,
    (_server, instances) => instances.map(({ host }) => ({ type: 'A', address: host })),
  ),
)

discoveryConformance('DNS (SRV)', () =>
  dnsHarness(
    (name) => `dns+srv:${name}`,
    (server, instances) =>
      instances.map(({ host, port }) => {
        const target = `at-${host.replaceAll('.', '-')}.test`
        server.set(target, [{ type: 'A', address: host }])
        return { type: 'SRV', target, port }
      }),
  ),
)

function putAll(consul: ConsulStandIn, service: string, instances: Instances) {
  const wanted = new Set(instances.map(({ host, port }) => `${service}-${host}-${port}`))
  for (const { host, port } of instances)
    consul.put({ id: `${service}-${host}-${port}`, name: service, address: host, port })
  for (const [id, { name }] of consul.services()) if (name === service && !wanted.has(id)) consul.remove(id)
}

discoveryConformance('Consul (stand-in)', async () => {
  const consul = await startConsulStandIn({ token: 'a token' })
  const { log, lost } = countingLog()
  let services = 0
  const nameOf = (address: string) => new URL(address).pathname.slice(1)
  const answering = (status: number, body: string) => ({
    break: async () => consul.answerAll({ status, body }),
    heal: async () => consul.answerAll(undefined),
  })
  return {
    discovery: openDiscovery({ log, consulToken: 'a token', pace: quick }),
    newService: () => {
      services += 1
      return `consul://127.0.0.1:${consul.port}/service-${services}`
    },
    set: (address, instances) => putAll(consul, nameOf(address), instances),
    faults: {
      away: { break: consul.away, heal: consul.reopen },
      'no leader': answering(500, 'No cluster leader'),
      forbidden: answering(403, 'Permission denied'),
      'no JSON': answering(200, '<html>'),
      'other JSON': answering(200, '[{"Service":{"Address":"","Port":0}}]'),
    },
    lost,
    close: consul.close,
  }
})

const open = (t: TestContext, addresses: readonly string[], options: { dnsServers?: readonly string[] } = {}) => {
  const watched = openDiscovery({ log: silentLogger(), pace: quick, ...options }).watch(addresses)
  assert.ok(watched.ok)
  t.after(watched.value.close)
  return watched.value
}

const startConsul = async (t: TestContext) => {
  const consul = await startConsulStandIn()
  t.after(consul.close)
  return consul
}

describe('several addresses of one service', () => {
  test('static ones are there at once, each once', async (t) => {
    const watch = open(t, ['http://b:1', 'static:http://a:1', 'http://b:1', 'http://b:1/'])
    assert.deepEqual(watch.instances(), ['http://b:1', 'http://a:1'])
    await watch.settled(1)
  })

  test('lead to the instances of all of them; one that cannot be reached hides no other', async (t) => {
    const consul = await startConsul(t)
    consul.put({ id: '1', name: 'user', address: '127.0.0.2', port: 1 })
    const gone = await startConsul(t)
    await gone.close()
    const watch = open(t, [
      'http://a:1',
      `consul://127.0.0.1:${consul.port}/user`,
      `consul://127.0.0.1:${gone.port}/user`,
    ])
    await until(async () => watch.instances().length === 2, { what: 'both are known' })
    assert.deepEqual(watch.instances(), ['http://a:1', 'http://127.0.0.2:1'])
    await watch.settled(1) // who never answers is not waited for longer than that
  })

  test('every address that cannot be read is named', () => {
    const watched = openDiscovery({ log: silentLogger() }).watch(['http://a:1', 'dns:a', 'consul://a'])
    assert.ok(!watched.ok)
    assert.deepEqual(
      watched.error.map(({ code, detail }) => [code, /^"([^"]+)"/.exec(detail)?.[1]]),
      [
        ['discovery.bad-address', 'dns:a'],
        ['discovery.bad-address', 'consul://a'],
      ],
    )
  })
})

describe('DNS', () => {
  const start = async (t: TestContext) => {
    const server = await startDnsServer()
    t.after(server.close)
    return { server, watch: (address: string) => open(t, [address], { dnsServers: [server.address] }) }
  }

  test('addresses of both families count', async (t) => {
    const { server, watch } = await start(t)
    server.set('both.test', [
      { type: 'AAAA', address: 'fd00::1' },
      { type: 'A', address: '127.0.0.2' },
    ])
    const both = watch('dns:both.test:80')
    await both.settled(5_000)
    assert.deepEqual(both.instances(), ['http://127.0.0.2:80', 'http://[fd00::1]:80'])
  })

  test('of SRV records only the lowest priority counts, and only targets that have an address', async (t) => {
    const { server, watch } = await start(t)
    server.set('one.test', [{ type: 'A', address: '127.0.0.2' }])
    server.set('spare.test', [{ type: 'A', address: '127.0.0.3' }])
    server.set('_http._tcp.user.test', [
      { type: 'SRV', target: 'one.test', port: 1, priority: 1 },
      { type: 'SRV', target: 'unknown.test', port: 2, priority: 1 },
      { type: 'SRV', target: 'spare.test', port: 3, priority: 2 },
    ])
    const user = watch('dns+srv:_http._tcp.user.test')
    await user.settled(5_000)
    assert.deepEqual(user.instances(), ['http://127.0.0.2:1'])
  })

  test('a name is asked for again when its time is over, not sooner', async (t) => {
    const { server, watch } = await start(t)
    server.set('short.test', [{ type: 'A', address: '127.0.0.2', ttl: 0 }])
    watch('dns:short.test:80')
    await until(async () => server.asked() >= 6, { what: 'asked three times for both families' })
  })
})

describe('Consul', () => {
  const at = ({ port }: ConsulStandIn, rest: string) => `consul://127.0.0.1:${port}/${rest}`

  test('only what is healthy and has every tag counts', async (t) => {
    const consul = await startConsul(t)
    const service = { name: 'user', address: '127.0.0.2' }
    consul.put({ ...service, id: '1', port: 1, tags: ['v2', 'eu'] })
    consul.put({ ...service, id: '2', port: 2, tags: ['v2'] })
    consul.put({ ...service, id: '3', port: 3, tags: ['v2', 'eu'] })
    const watch = open(t, [at(consul, 'user?tag=v2&tag=eu')])
    await watch.settled(5_000)
    assert.deepEqual(watch.instances(), ['http://127.0.0.2:1', 'http://127.0.0.2:3'])
    for (const state of ['warning', 'passing', 'critical'] as const) {
      consul.setState('3', state)
      const expected = state === 'passing' ? 2 : 1
      await until(async () => watch.instances().length === expected, { what: `${expected} with ${state}` })
    }
  })

  test('a question waits at the agent until something changes', async (t) => {
    const consul = await startConsul(t)
    consul.put({ id: '1', name: 'user', address: '127.0.0.2', port: 1 })
    const patient = { ...quick, consul: { ...quick.consul, waitMs: 60_000 } }
    const watched = openDiscovery({ log: silentLogger(), pace: patient }).watch([at(consul, 'user')])
    assert.ok(watched.ok)
    t.after(watched.value.close)
    await until(async () => consul.asked.length === 2, { what: 'the second question' })
    assert.equal(consul.asked[0], 'GET /v1/health/service/user?passing=true')
    assert.match(consul.asked[1] ?? '', /^GET \/v1\/health\/service\/user\?passing=true&index=\d+&wait=60000ms$/)
    consul.put({ id: '2', name: 'user', address: '127.0.0.3', port: 1 })
    await until(async () => watched.value.instances().length === 2, {
      what: 'the change, long before the wait is over',
    })
  })

  test('an address of the node stands in for one that the service has not', async (t) => {
    const consul = await startConsul(t)
    consul.put({ id: '1', name: 'user', address: '', port: 1 })
    const watch = open(t, [at(consul, 'user')])
    await watch.settled(5_000)
    assert.deepEqual(watch.instances(), ['http://127.0.0.1:1'])
  })

  test('an index that goes backwards begins anew: a Consul that has forgotten everything learns it again', async (t) => {
    const consul = await startConsul(t)
    for (let turn = 0; turn < 5; turn += 1) consul.put({ id: '1', name: 'user', address: '127.0.0.2', port: 1 })
    const watch = open(t, [at(consul, 'user')])
    await watch.settled(5_000)
    consul.forget()
    consul.put({ id: '2', name: 'user', address: '127.0.0.3', port: 1 })
    await until(async () => watch.instances().join() === 'http://127.0.0.3:1', { what: 'what it knows now' })
  })

  test('an index that is none is never sent, and the agent is not overrun', async (t) => {
    const consul = await startConsul(t)
    consul.answerAll({ status: 200, body: '[]' }) // without X-Consul-Index
    open(t, [at(consul, 'user')])
    await until(async () => consul.asked.length >= 3, { what: 'three questions' })
    assert.ok(consul.asked.every((line) => !line.includes('index')))
  })
})
