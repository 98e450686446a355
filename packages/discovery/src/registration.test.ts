import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { silentLogger } from '@micromart/telemetry/logger'
import { type ConsulStandIn, startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { until } from '@micromart/testkit/until'
import { parseRegistry, type RegistrationPace, register } from './registration.ts'

const quick: RegistrationPace = { ttlMs: 150, forgottenAfterMs: 60_000 }
const offers = [
  { service: 'user', host: '127.0.0.1', port: 3_001 },
  { service: 'user-grpc', host: '127.0.0.1', port: 3_101 },
]
const HTTP_ID = 'user-127.0.0.1-3001'

async function start(t: TestContext, options: { isReady?: () => Promise<boolean>; pace?: RegistrationPace } = {}) {
  const consul = await startConsulStandIn()
  t.after(consul.close)
  const registration = register({
    registry: `consul://127.0.0.1:${consul.port}?tag=v2`,
    token: '',
    offers,
    isReady: options.isReady ?? (async () => true),
    log: silentLogger(),
    pace: options.pace ?? quick,
  })
  t.after(registration.leave)
  return { consul, registration }
}

const statesOf = (consul: ConsulStandIn) => [...consul.services().values()].map(({ name, state }) => `${name} ${state}`)
const shows = (consul: ConsulStandIn, ...expected: string[]) =>
  until(async () => statesOf(consul).join() === expected.join(), { what: `Consul knows ${expected.join()}` })
const allThere = ['user passing', 'user-grpc passing']

describe('a process in the registry', () => {
  test('is there with all that it offers, and stays while it gives signs of life', async (t) => {
    const { consul } = await start(t)
    await shows(consul, ...allThere)
    const signs = () => consul.asked.filter((line) => line === `PUT /v1/agent/check/update/service:${HTTP_ID}`).length
    await until(async () => signs() > 5, { what: 'more signs of life than fit into one TTL' })
    assert.deepEqual(statesOf(consul), allThere)
    assert.equal(consul.asked.filter((line) => line.startsWith('PUT /v1/agent/service/register')).length, 2)
  })

  test('is critical while it is not ready', async (t) => {
    let ready = true
    const { consul } = await start(t, { isReady: async () => ready })
    await shows(consul, ...allThere)
    ready = false
    await shows(consul, 'user critical', 'user-grpc critical')
    ready = true
    await shows(consul, ...allThere)
  })

  test('that only hangs becomes critical, and is forgotten after a while', async (t) => {
    let hang = () => false
    const { consul } = await start(t, {
      isReady: () => (hang() ? new Promise(() => {}) : Promise.resolve(true)),
      pace: { ttlMs: 150, forgottenAfterMs: 200 },
    })
    await shows(consul, ...allThere)
    hang = () => true
    await shows(consul, 'user critical', 'user-grpc critical')
    await shows(consul)
    hang = () => false
    await shows(consul, ...allThere)
  })

  test('is gone when it leaves, at once and for good', async (t) => {
    const { consul, registration } = await start(t)
    await shows(consul, ...allThere)
    await registration.leave()
    assert.deepEqual(statesOf(consul), [])
    const asked = consul.asked.length
    await registration.leave()
    assert.equal(consul.asked.length, asked, 'nothing is said twice')
  })

  test('leaves while it is being registered: the farewell comes last', async (t) => {
    const { consul, registration } = await start(t)
    await registration.leave()
    assert.deepEqual(statesOf(consul), [])
    assert.match(consul.asked.at(-1) ?? '', /deregister/)
  })

  test('is registered again when Consul has forgotten it', async (t) => {
    const { consul } = await start(t)
    await shows(consul, ...allThere)
    consul.forget()
    await shows(consul, ...allThere)
  })

  test('is registered when Consul comes back; while it is away nothing is thrown and leaving is quick', async (t) => {
    const { consul, registration } = await start(t)
    await shows(consul, ...allThere)
    await consul.away()
    consul.forget()
    await consul.reopen()
    await shows(consul, ...allThere)
    await consul.away()
    await registration.leave()
  })

  test('takes the place of the process that was there before it', async (t) => {
    const { consul } = await start(t)
    await shows(consul, ...allThere)
    const again = register({
      registry: `consul://127.0.0.1:${consul.port}`,
      token: '',
      offers,
      isReady: async () => true,
      log: silentLogger(),
      pace: quick,
    })
    await until(async () => consul.asked.filter((line) => line.includes('/register')).length === 4, { what: 'both' })
    assert.equal(consul.services().size, 2)
    await again.leave()
  })
})

test('an address of a registry: Consul, or none', async () => {
  assert.deepEqual(parseRegistry('static:'), { kind: 'none' })
  assert.deepEqual(parseRegistry('consul://a'), { kind: 'consul', agent: 'http://a:8500', tags: [] })
  for (const text of ['', 'http://a', 'consul:', 'consul://a/user', 'static:http://a'])
    assert.equal(parseRegistry(text), undefined, text)
  const nowhere = register({ registry: 'static:', token: '', offers, isReady: async () => true, log: silentLogger() })
  await nowhere.leave()
})
