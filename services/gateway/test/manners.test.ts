import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { createLogger } from '@micromart/telemetry/logger'
import { until } from '@micromart/testkit/until'
import { ask, nowhere, sendRaw, startGateway, startIssuer, startService } from './gateway-harness.ts'

const shop = 'https://shop.example'
const products = '/api/v1/products'
/** Open to all, and never answered by the cache. */
const order = '/api/v1/orders/1'
const long = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, title: `Product ${id}` })))

const answering =
  (headers: Readonly<Record<string, string>>, body = long): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)

/** The body as it came, byte by byte. */
async function raw(url: string, path: string, headers: Readonly<Record<string, string>>) {
  const response = await sendRaw(
    url,
    `GET ${path} HTTP/1.0`,
    'Host: shop',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  )
  const at = response.indexOf('\r\n\r\n')
  return { head: response.slice(0, at).toLowerCase(), body: Buffer.from(response.slice(at + 4), 'latin1') }
}

describe('pages of other origins', () => {
  test('by default nobody is let in, and a preflight is a request like any other', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { product: service.url })
    const answer = await ask(url, { path: products, headers: { origin: shop } })
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
    const headers = { origin: shop, 'access-control-request-method': 'GET' }
    assert.equal((await ask(url, { method: 'OPTIONS', path: products, headers })).status, 405)
  })

  test('a listed origin reads answers and refusals; preflights are answered here', async (t) => {
    const service = await startService(t, answering({ vary: 'Accept-Language' }))
    const { url } = await startGateway(t, { product: service.url, given: { CORS_ORIGINS: shop } })
    const answer = await ask(url, { path: products, headers: { origin: shop } })
    assert.equal(answer.headers['access-control-allow-origin'], shop)
    assert.equal(answer.headers['access-control-allow-credentials'], undefined)
    assert.equal(answer.headers.vary, 'Origin, Accept-Language, Accept-Encoding', 'nothing that it varies with is lost')
    const refused = await ask(url, { path: '/nothing', headers: { origin: shop } })
    assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [404, shop])
    const before = service.seen.length
    const preflight = await ask(url, {
      method: 'OPTIONS',
      path: products,
      headers: { origin: shop, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-y' },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD, POST')
    assert.equal(preflight.headers['access-control-allow-origin'], shop)
    assert.equal(service.seen.length, before)
  })

  test('other origins may not ask, and caches keep their answers apart', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { product: service.url, given: { CORS_ORIGINS: shop } })
    for (const origin of ['https://evil.example', 'null', `${shop}.evil.example`]) {
      const headers = { origin, 'access-control-request-method': 'POST' }
      const preflight = await ask(url, { method: 'OPTIONS', path: products, headers })
      assert.deepEqual([preflight.status, preflight.body.code], [403, 'cors.origin-unknown'], origin)
      const answer = await ask(url, { path: products, headers: { origin } })
      assert.equal(answer.headers['access-control-allow-origin'], undefined, origin)
      assert.match(String(answer.headers.vary), /^Origin/)
    }
  })
})

describe('how a browser treats an answer', () => {
  const NAMES = ['x-content-type-options', 'referrer-policy', 'content-security-policy', 'cross-origin-resource-policy']

  test('answers, refusals and pages all say it', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { product: service.url })
    for (const path of [products, '/nothing', '/', '/docs', '/openapi.json', '/a//b', '/api/v1/orders/1'])
      for (const name of NAMES) assert.ok((await ask(url, { path })).headers[name], `${path} ${name}`)
    assert.match(String((await ask(url, { path: products })).headers['content-security-policy']), /default-src 'none'/)
    assert.match(
      String((await ask(url, { path: '/docs' })).headers['content-security-policy']),
      /frame-ancestors 'none'/,
    )
  })

  test('what a service says itself stands, such as the rules of the mailbox page', async (t) => {
    const service = await startService(t, answering({ 'content-security-policy': "default-src 'self'" }))
    const { url } = await startGateway(t, { notification: service.url })
    const { headers } = await ask(url, { path: '/mailbox' })
    assert.equal(headers['content-security-policy'], "default-src 'self'")
    assert.equal(headers['x-content-type-options'], 'nosniff')
  })

  test('nobody learns what the house is built of', async (t) => {
    const telling = { server: 'inside/1', 'x-powered-by': 'Express', via: '1.1 inside' }
    const service = await startService(t, answering(telling))
    const { url } = await startGateway(t, { product: service.url })
    const { headers } = await ask(url, { path: products })
    for (const name of Object.keys(telling)) assert.equal(headers[name], undefined, name)
  })

  test('personal answers and refusals are kept by nobody; what is for all may be', async (t) => {
    const service = await startService(t, (request, response) =>
      answering(request.url === products ? { 'cache-control': 'public, max-age=60' } : {})(request, response as never),
    )
    const issuer = await startIssuer(t)
    const { url } = await startGateway(t, {
      user: service.url,
      product: service.url,
      cart: service.url,
      jwks: issuer.jwksUrl,
    })
    const cacheOf = async (call: Parameters<typeof ask>[1]) => (await ask(url, call)).headers['cache-control']
    const token = await issuer.as('customer')
    assert.equal(await cacheOf({ path: '/api/v1/users/me', token }), 'no-store')
    assert.equal(await cacheOf({ path: '/api/v1/carts/1', headers: { 'cart-token': 'guest' } }), 'no-store')
    assert.equal(await cacheOf({ path: products, token }), 'public, max-age=60')
    assert.equal(await cacheOf({ path: products }), 'public, max-age=60')
    assert.equal(await cacheOf({ path: '/nothing' }), 'no-store')
  })
})

describe('packing', () => {
  test('a long public answer comes packed, as the client likes it, and unpacks to the same', async (t) => {
    const service = await startService(t, answering({ etag: '"1"', 'content-length': String(long.length) }))
    const { url } = await startGateway(t, { order: service.url })
    const cases = [
      ['br, gzip', 'br', brotliDecompressSync],
      ['gzip', 'gzip', gunzipSync],
    ] as const
    for (const [accepted, encoding, unpack] of cases) {
      const { head, body } = await raw(url, order, { 'Accept-Encoding': accepted })
      assert.match(head, RegExp(`\\ncontent-encoding: ${encoding}\\r`))
      assert.match(head, /\netag: w\/"1"\r/)
      assert.match(head, /\nvary: accept-encoding\r/)
      assert.doesNotMatch(head, /content-length/)
      assert.equal(unpack(body).toString(), long)
      assert.ok(body.length < long.length / 3)
    }
    const plain = await ask(url, { path: order })
    assert.deepEqual(
      [plain.text, plain.headers['content-encoding'], plain.headers.vary],
      [long, undefined, 'Accept-Encoding'],
    )
  })

  test('not what is personal, packed, small, partial, or without a body', async (t) => {
    const packedAlready = { 'content-encoding': 'zstd' }
    const service = await startService(t, (request, response) => {
      if (request.url?.endsWith('packed')) return answering(packedAlready)(request, response as never)
      if (request.url?.endsWith('small')) return answering({ 'content-length': '2' }, '{}')(request, response as never)
      if (request.url?.endsWith('part')) {
        const part = { 'content-type': 'text/plain', 'content-range': 'bytes 0-4/9', 'content-length': '5' }
        return void response.writeHead(206, part).end('hello')
      }
      if (request.url?.endsWith('same')) return void response.writeHead(304, { etag: '"1"' }).end()
      return answering({})(request, response as never)
    })
    const issuer = await startIssuer(t)
    const { url } = await startGateway(t, { order: service.url, user: service.url, jwks: issuer.jwksUrl })
    const encodingOf = async (path: string, call: Partial<Parameters<typeof ask>[1]> = {}) => {
      const headers = { 'accept-encoding': 'br, gzip', ...call.headers }
      return (await ask(url, { ...call, path, headers })).headers['content-encoding']
    }
    assert.equal(await encodingOf(order), 'br', 'negative control')
    assert.equal(await encodingOf('/api/v1/users/me', { token: await issuer.as('customer') }), undefined)
    assert.equal(await encodingOf(order, { token: await issuer.as('customer') }), undefined)
    assert.equal(await encodingOf('/api/v1/orders/packed'), 'zstd')
    for (const path of ['small', 'part', 'same'])
      assert.equal(await encodingOf(`/api/v1/orders/${path}`), undefined, path)
    assert.equal(await encodingOf(order, { method: 'HEAD' }), undefined)
  })

  test('a packed answer that breaks off in the middle never looks whole', async (t) => {
    const service = await startService(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' })
      response.write(long, () => response.destroy())
    })
    const { url } = await startGateway(t, { order: service.url })
    await assert.rejects(ask(url, { path: order, headers: { 'accept-encoding': 'gzip' } }))
  })
})

describe('the access log', () => {
  test('a line says what happened and nothing of what was asked', async (t) => {
    const lines: string[] = []
    const log = createLogger({ service: 'gateway', destination: { write: (line) => void lines.push(line) } })
    const service = await startService(t)
    const issuer = await startIssuer(t)
    const { url } = await startGateway(t, {
      order: service.url,
      user: nowhere,
      jwks: issuer.jwksUrl,
      log,
      given: { ACCESS_LOG_PERCENT: '100' },
    })
    const secret = 'canary-7f3a'
    const token = await issuer.as('customer')
    const headers = {
      'x-request-id': 'order-of-ada',
      'cart-token': secret,
      cookie: secret,
      'user-agent': `\u009b31m${secret}`,
    }
    await ask(url, { path: `/api/v1/orders/${secret}?email=${secret}&token=${secret}`, headers, token })
    await ask(url, { path: `/${secret}?%0d%0aforged=1`, headers })
    await ask(url, { method: 'POST', path: '/api/v1/auth/login', headers, body: secret })
    const written = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
    await until(async () => written().length === 3, { what: 'three lines' })
    assert.deepEqual(
      written().map(({ method, route, status, correlationId }) => [method, route, status, correlationId]),
      [
        ['GET', '/api/v1/orders/:id', 200, 'order-of-ada'],
        ['GET', 'none', 404, 'order-of-ada'],
        ['POST', '/api/v1/auth/login', 503, 'order-of-ada'],
      ],
    )
    const everything = lines.filter((line) => line.includes('"request"')).join('')
    for (const canary of [secret, token, '127.0.0.1', '\u009b', 'forged'])
      assert.ok(!everything.includes(canary), canary)
    assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1))
  })
})
