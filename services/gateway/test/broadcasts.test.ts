import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, type TestContext, test } from 'node:test'
import type { Envelope } from '@micromart/contracts/envelope'
import type { AnyMessageType } from '@micromart/contracts/message'
import { ProductChanged } from '@micromart/contracts/product'
import { broadcasts, topology } from '@micromart/contracts/topology'
import { SessionsEnded } from '@micromart/contracts/user-sessions'
import type { Broker } from '@micromart/messaging/broker'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { createRabbitMqBroker } from '@micromart/messaging/rabbitmq-broker'
import { silentLogger } from '@micromart/telemetry/logger'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { ask, clock, startGateway, startIssuer, startService } from './gateway-harness.ts'
import { startUser } from './user-stand-in.ts'

const MINUTE_MS = 60_000
const inMinutes = (minutes: number) => new Date(clock.now().getTime() + minutes * MINUTE_MS).toISOString()

const envelope = (type: AnyMessageType, data: unknown): Envelope => ({
  specversion: '1.0',
  id: randomUUID(),
  source: `/${type.owner}`,
  type: type.type,
  subject: 'subject',
  time: clock.now().toISOString(),
  datacontenttype: 'application/json',
  dataschema: '',
  correlationid: '',
  causationid: '',
  traceparent: '',
  data,
})

/** Sent again, as an outbox does, until it is confirmed. */
const tell = async (broker: Broker, type: AnyMessageType, data: unknown) => {
  const sent = envelope(type, data)
  const confirmed = async () => (await broker.publish([sent])[0])?.confirmed === true
  await until(confirmed, { what: `a confirm of ${type.type}` })
}

const changed = (productId: string, ...handles: string[]) => ({
  productId,
  handles,
  version: 2,
  changedAt: clock.now().toISOString(),
})

const host = await createVirtualHost()
const rabbitUrl = 'url' in host ? host.url : ''
const log = silentLogger()

const brokers = [
  { name: 'the memory broker', skip: false, make: () => createMemoryBroker({ topology, broadcasts }) },
  {
    name: 'RabbitMQ',
    skip: skipWithout(host),
    make: () => createRabbitMqBroker({ url: rabbitUrl, topology, broadcasts, log }),
  },
] as const

for (const { name, skip, make } of brokers)
  describe(`what is broadcast over ${name}`, { skip }, () => {
    const start = async (t: TestContext) => {
      const broker = make()
      t.after(() => broker.close())
      const user = await startUser(t)
      const issuer = await startIssuer(t)
      let asked = 0
      const product = await startService(t, (_request, response) => void response.end(`answer ${++asked}`))
      const upstreams = { product: product.url, user: product.url, jwks: issuer.jwksUrl }
      const door = await startGateway(t, { ...upstreams, broker, given: { USER_GRPC_URL: user.url } })
      // a list of ended sessions was asked for at the start, and again as soon as it listened
      await until(async () => user.asked >= 2, { what: 'the gateway listens' })
      return { broker, user, issuer, door, product }
    }

    test('a product that has changed: its pages and the lists are asked for anew, the others are kept', async (t) => {
      const { broker, door, product } = await start(t)
      const id = randomUUID()
      const paths = [`/api/v1/products/${id}`, '/api/v1/products/Old-Mug', '/api/v1/products?limit=2']
      const other = '/api/v1/products/other'
      const before = new Map<string, string>()
      for (const path of [...paths, other]) before.set(path, (await ask(door.url, { path })).text)
      for (const path of [...paths, other]) assert.equal((await ask(door.url, { path })).text, before.get(path))
      assert.equal(product.seen.length, 4)
      await tell(broker, ProductChanged, changed(id, 'mug', 'old-mug'))
      const isNew = (path: string) => async () => (await ask(door.url, { path })).text !== before.get(path)
      for (const path of paths) await until(isNew(path), { what: `a new ${path}` })
      assert.equal((await ask(door.url, { path: other })).text, before.get(other))
    })

    test('news about products that cannot be read empties everything', async (t) => {
      const { broker, door } = await start(t)
      const path = '/api/v1/products/mug'
      const { text } = await ask(door.url, { path })
      await tell(broker, ProductChanged, { productId: 'from the future' })
      await until(async () => (await ask(door.url, { path })).text !== text, { what: 'a new page' })
    })

    test('a token whose session has ended is refused at once, also where it was good a moment ago', async (t) => {
      const { broker, door, issuer } = await start(t)
      const [session, another, key] = [randomUUID(), randomUUID(), randomUUID()]
      const own = await issuer.sign({ claims: { sid: session } })
      const others = await issuer.sign({ claims: { sid: another } })
      const machine = await issuer.sign({ claims: { client_id: key, sub: key, scope: 'stock:read' } })
      const get = async (token: string) => {
        const { status, body } = await ask(door.url, { path: '/api/v1/users/me', token })
        return [status, body?.code]
      }
      assert.deepEqual((await get(own))[0], 200)
      assert.deepEqual((await get(machine))[0], 403)
      const end = { userId: randomUUID(), sessionIds: [session, key], tokensExpireAt: inMinutes(16) }
      await tell(broker, SessionsEnded, end)
      await until(async () => (await get(own))[0] === 401, { what: 'it is refused' })
      assert.deepEqual(await get(own), [401, 'auth.invalid-token'])
      assert.deepEqual(await get(machine), [401, 'auth.invalid-token'])
      const open = await ask(door.url, { path: '/api/v1/products', token: own })
      assert.equal(open.status, 401, 'on open routes too')
      assert.deepEqual((await get(others))[0], 200)
    })
  })

describe('sessions that have ended while the gateway was not listening', () => {
  test('are known from the start', async (t) => {
    const [user, issuer] = [await startUser(t), await startIssuer(t)]
    const session = randomUUID()
    user.ended.push({ sessionId: session, tokensExpireAt: inMinutes(16) })
    const service = await startService(t)
    const door = await startGateway(t, {
      user: service.url,
      jwks: issuer.jwksUrl,
      given: { USER_GRPC_URL: user.url },
    })
    const token = await issuer.sign({ claims: { sid: session } })
    assert.equal((await ask(door.url, { path: '/api/v1/users/me', token })).status, 401)
    const other = await issuer.sign({ claims: { sid: randomUUID() } })
    assert.equal((await ask(door.url, { path: '/api/v1/users/me', token: other })).status, 200)
  })

  test('are asked for again and again where nobody would tell', async (t) => {
    const [user, issuer] = [await startUser(t), await startIssuer(t)]
    const service = await startService(t)
    const door = await startGateway(t, {
      user: service.url,
      jwks: issuer.jwksUrl,
      given: { USER_GRPC_URL: user.url },
    })
    const session = randomUUID()
    const token = await issuer.sign({ claims: { sid: session } })
    const status = async () => (await ask(door.url, { path: '/api/v1/users/me', token })).status
    assert.equal(await status(), 200)
    user.ended.push({ sessionId: session, tokensExpireAt: inMinutes(16) })
    await until(async () => (await status()) === 401, { what: 'it is refused' })
  })

  test('are asked for when the connection is back, and what was kept is gone', {
    skip: skipWithout(host),
  }, async (t) => {
    const proxy = await startFaultProxy({ upstreams: () => [{ port: Number(new URL(rabbitUrl).port || 5672) }] })
    const broker = createRabbitMqBroker({ url: proxy.urlOf(rabbitUrl), topology, broadcasts, log })
    const [user, issuer] = [await startUser(t), await startIssuer(t)]
    let asked = 0
    const service = await startService(t, (_request, response) => void response.end(`answer ${++asked}`))
    const given = { USER_GRPC_URL: user.url }
    const upstreams = { user: service.url, product: service.url, jwks: issuer.jwksUrl }
    const door = await startGateway(t, { ...upstreams, broker, given })
    t.after(() => broker.close())
    t.after(() => proxy.close())
    await until(async () => user.asked >= 2, { what: 'the gateway listens' })
    const page = async () => (await ask(door.url, { path: '/api/v1/products/mug' })).text
    const first = await page()
    assert.equal(await page(), first)
    await proxy.apply({ kind: 'refuse' })
    proxy.reset()
    const session = randomUUID()
    user.ended.push({ sessionId: session, tokensExpireAt: inMinutes(16) })
    await proxy.heal()
    const token = await issuer.sign({ claims: { sid: session } })
    const status = async () => (await ask(door.url, { path: '/api/v1/users/me', token })).status
    await until(async () => (await status()) === 401, { withinMs: 20_000, what: 'it is refused' })
    await until(async () => (await page()) !== first, { what: 'a new page' })
  })
})

after(async () => {
  if ('drop' in host) await host.drop()
})
