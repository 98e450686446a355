import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { limitedRequests } from '../src/rate-limit/limited-requests.ts'
import { policiesOf } from '../src/rate-limit/policies.ts'
import { createRateLimiter } from '../src/rate-limit/rate-limiter.ts'
import { ask, route, startGateway, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

const server = await startRedisServer()
const redis = 'url' in server ? server : undefined
after(() => redis?.kill())

/** Open to all, and never answered by the cache. */
const orders = { path: '/api/v1/orders/1' }
const login = {
  method: 'POST',
  path: '/api/v1/auth/login',
  body: '{}',
  headers: { 'content-type': 'application/json' },
}

const statusesOf = async (asked: () => Promise<{ status: number }>, times: number) => {
  const statuses: number[] = []
  for (let count = 0; count < times; count += 1) statuses.push((await asked()).status)
  return statuses
}

describe('rate limits at the door', () => {
  test('every answer tells the state of the limit; above it there is 429 and the time to wait', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { order: service.url, given: { RATE_LIMITS: 'address=2/60' } })
    const first = await ask(url, orders)
    assert.equal(first.headers['ratelimit-policy'], '"address";q=2;w=60')
    assert.equal(first.headers['ratelimit'], '"address";r=1;t=30')
    await ask(url, orders)
    const third = await ask(url, orders)
    assert.deepEqual([third.status, third.body.code], [429, 'rate-limit.exceeded'])
    assert.equal(third.headers['content-type'], 'application/problem+json')
    assert.match(String(third.headers['retry-after']), /^(?:29|30)$/)
    assert.equal(third.headers['ratelimit'], `"address";r=0;t=60`)
    assert.equal(service.seen.length, 2, 'the service hears nothing of it')
    assert.equal((await ask(url, { ...orders, from: '127.0.0.2' })).status, 200, 'others are served')
  })

  test('health is never refused; pages and what does not exist are counted like everything', async (t) => {
    const { url } = await startGateway(t, { given: { RATE_LIMITS: 'address=2/60' } })
    assert.deepEqual(await statusesOf(() => ask(url, { path: '/health' }), 5), Array(5).fill(200))
    assert.deepEqual(await statusesOf(() => ask(url, { path: '/admin.php' }), 3), [404, 404, 429])
    assert.deepEqual(await statusesOf(() => ask(url, { path: '/' }), 2), [429, 429])
    assert.equal((await ask(url, { path: '/ready' })).status, 200)
  })

  test('a user is counted by the token, not by the address, and nobody else for it', async (t) => {
    const [service, issuer] = [await startService(t), await startIssuer(t)]
    const { url } = await startGateway(t, {
      user: service.url,
      jwks: issuer.jwksUrl,
      given: { RATE_LIMITS: 'address=1/60,user=2/60' },
    })
    const me = { path: '/api/v1/users/me', token: await issuer.as('customer') }
    assert.deepEqual(await statusesOf(() => ask(url, { ...me, from: '127.0.0.2' }), 2), [200, 200])
    assert.equal((await ask(url, { ...me, from: '127.0.0.3' })).status, 429, 'another address is the same user')
    assert.equal((await ask(url, { path: '/health', from: '127.0.0.2' })).status, 200)
    const other = await issuer.sign({ claims: { sub: '019aa3a1-0000-7000-8000-000000000001' } })
    assert.equal((await ask(url, { ...me, token: other, from: '127.0.0.2' })).status, 200)
  })

  test('who shows one bad token after the other is told to wait, and good ones go on', async (t) => {
    const [service, issuer] = [await startService(t), await startIssuer(t)]
    const { url } = await startGateway(t, {
      user: service.url,
      jwks: issuer.jwksUrl,
      given: { RATE_LIMITS: 'bad-token=2/60' },
    })
    const me = { path: '/api/v1/users/me' }
    const forged = await issuer.sign({ withKeyOf: 'somebody else' })
    assert.deepEqual(await statusesOf(() => ask(url, { ...me, token: forged }), 3), [401, 401, 429])
    assert.equal((await ask(url, { ...me, token: 'garbage' })).status, 429)
    assert.equal((await ask(url, { ...me, token: await issuer.as('customer') })).status, 200)
  })

  test('signing in has a limit of its own, far below the general one', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { user: service.url, given: { RATE_LIMITS: 'sign-in=2/60' } })
    assert.deepEqual(await statusesOf(() => ask(url, login), 3), [200, 200, 429])
    const refused = await ask(url, login)
    assert.match(String(refused.headers['ratelimit-policy']), /^"address";q=3600;w=60, "sign-in";q=2;w=60$/)
    assert.equal((await ask(url, orders)).status, 503, 'everything else goes on')
  })

  test('by default a demo, a journey or an office at one address is not in the way of anybody', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { user: service.url, order: service.url })
    assert.ok((await statusesOf(() => ask(url, login), 60)).every((status) => status === 200))
    assert.ok((await statusesOf(() => ask(url, orders), 500)).every((status) => status === 200))
  })
})

describe('several gateways and one Redis', { skip: skipWithout(server) }, () => {
  const two = async (t: Parameters<typeof startGateway>[0], given: Readonly<Record<string, string>>) => {
    const service = await startService(t)
    const start = () =>
      startGateway(t, { user: service.url, given: { REDIS_URL: redis?.url ?? '', ...given } }).then(({ url }) => url)
    return [await start(), await start()] as const
  }
  const admitted = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length

  test('they count tight limits together; killed and back in mid-traffic nobody notices but the count', async (t) => {
    await redis?.flushAll()
    const [one, other] = await two(t, { RATE_LIMITS: 'sign-in=4/600' })
    const from = '127.0.0.7'
    // until both have found Redis they count by themselves: an address that both refuse after four in all tells that they have
    let next = 100
    await until(
      async () => {
        const tried = `127.0.0.${next++}`
        const statuses = await statusesOf(() => ask(one, { ...login, from: tried }), 4)
        return admitted(statuses) === 4 && (await ask(other, { ...login, from: tried })).status === 429
      },
      { what: 'they count together' },
    )
    assert.equal(admitted(await statusesOf(() => ask(one, { ...login, from }), 3)), 3)
    await redis?.kill()
    const alone = await statusesOf(() => ask(other, { ...login, from }), 6)
    assert.deepEqual(alone, [200, 200, 200, 200, 429, 429], 'by itself it knows of none of them')
    await redis?.start()
    await until(
      async () => {
        const tried = `127.0.0.${next++}`
        const statuses = await statusesOf(() => ask(one, { ...login, from: tried }), 4)
        return admitted(statuses) === 4 && (await ask(other, { ...login, from: tried })).status === 429
      },
      { what: 'they count together again' },
    )
  })

  test('what is not done uncounted is refused while Redis is away, and all else goes on', async (t) => {
    const service = await startService(t)
    const away = { take: async () => undefined, tell: async () => undefined }
    const limiter = createRateLimiter({ policies: policiesOf([]), shared: away, nowUs: () => 0 })
    t.after(() => limiter.close())
    const routes = [route('POST /reset', { limit: 'password-reset' }), route('POST /login', { limit: 'sign-in' })]
    const url = await startGatewayTo(t, { url: service.url, routes, rateLimits: limitedRequests(limiter) })
    const refused = await ask(url, { method: 'POST', path: '/reset' })
    assert.deepEqual([refused.status, refused.body.code], [503, 'rate-limit.unavailable'])
    assert.match(String(refused.headers['retry-after']), /^\d+$/)
    assert.equal((await ask(url, { method: 'POST', path: '/login' })).status, 200)
    assert.equal(service.seen.length, 1)
  })
})

describe('addresses behind proxies', () => {
  const seenBy = async (t: Parameters<typeof startGateway>[0], given: Readonly<Record<string, string>>) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { order: service.url, given: { RATE_LIMITS: 'address=2/60', ...given } })
    const askAs = (forwardedFor: string, from = '127.0.0.1') =>
      ask(url, { ...orders, headers: { 'x-forwarded-for': forwardedFor }, from })
    return { askAs, heard: () => service.seen.map(({ headers }) => headers['x-forwarded-for']) }
  }

  test('whatever a client writes, it is counted and told on under its own address', async (t) => {
    const { askAs, heard } = await seenBy(t, {})
    const lies = ['203.0.113.1', '203.0.113.2', '203.0.113.3, 127.0.0.1']
    const statuses = []
    for (const lie of lies) statuses.push((await askAs(lie)).status)
    assert.deepEqual(statuses, [200, 200, 429])
    assert.deepEqual(heard(), ['127.0.0.1', '127.0.0.1'])
  })

  test('negative control: a gateway that trusts everybody is fooled by the same lies', async (t) => {
    const { askAs, heard } = await seenBy(t, { TRUSTED_PROXIES: '0.0.0.0/0,::/0' })
    const lies = ['203.0.113.1', '203.0.113.2', '203.0.113.3']
    for (const lie of lies) assert.equal((await askAs(lie)).status, 200)
    assert.deepEqual(heard(), lies)
  })

  test('behind a proxy of ours each client has its own limit, and the lies before its address change nothing', async (t) => {
    const { askAs, heard } = await seenBy(t, { TRUSTED_PROXIES: '127.0.0.9' })
    const proxied = (said: string) => askAs(said, '127.0.0.9').then(({ status }) => status)
    assert.deepEqual([await proxied('203.0.113.1'), await proxied('198.51.100.1, 203.0.113.1')], [200, 200])
    assert.equal(await proxied('10.0.0.1, 198.51.100.2, 203.0.113.1'), 429)
    assert.equal(await proxied('203.0.113.2'), 200, 'the proxy itself has no limit')
    assert.deepEqual(heard(), ['203.0.113.1', '203.0.113.1', '203.0.113.2'])
  })

  test('all addresses of one IPv6 network are one', async (t) => {
    const { askAs } = await seenBy(t, { TRUSTED_PROXIES: '127.0.0.9' })
    const statuses = []
    for (const host of ['1', '2', 'ffff:1']) statuses.push((await askAs(`2001:db8:7:7::${host}`, '127.0.0.9')).status)
    assert.deepEqual(statuses, [200, 200, 429])
  })

  test('TLS in front is believed from a proxy of ours alone, and told on', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { order: service.url, given: { TRUSTED_PROXIES: '127.0.0.9' } })
    const headers = { 'x-forwarded-for': '203.0.113.1', 'x-forwarded-proto': 'https' }
    const [outside, inside] = [
      await ask(url, { ...orders, headers }),
      await ask(url, { ...orders, headers, from: '127.0.0.9' }),
    ]
    assert.equal(outside.headers['strict-transport-security'], undefined)
    assert.match(String(inside.headers['strict-transport-security']), /^max-age=31536000/)
    const protocols = service.seen.map((seen) => seen.headers['x-forwarded-proto'])
    assert.deepEqual(protocols, ['http', 'https'])
  })
})

test('a configuration that cannot be meant is refused at start, with every fault', async (t) => {
  const given = {
    TRUSTED_PROXIES: '10.0.0.0/33',
    REDIS_URL: 'localhost:6379',
    CORS_ORIGINS: 'https://shop.example/,*',
    CORS_CREDENTIALS: 'true',
  }
  await assert.rejects(startGateway(t, { given }), ({ message }: Error) =>
    ['10.0.0.0/33', 'REDIS_URL', 'https://shop.example/', 'CORS_CREDENTIALS'].every((fault) => message.includes(fault)),
  )
  await assert.rejects(startGateway(t, { given: { RATE_LIMITS: 'signin=2/60' } }), /RATE_LIMITS/)
})
