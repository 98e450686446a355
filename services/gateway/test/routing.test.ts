import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { permissionsOf } from '@micromart/contracts/permissions'
import type { Access } from '@micromart/http-kit/identity'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { routes } from '../src/routes.ts'
import { ask, route, sendRaw, startGateway, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

describe('routing', () => {
  test('spellings that a service could read otherwise reach nobody', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, {
      url: service.url,
      routes: [
        route('GET /api/v1/products'),
        route('GET /api/v1/products/:id'),
        route('GET /api/v1/products/:id/more'),
      ],
    })
    const refused = [
      '/api/v1/products/..%2f',
      '/api/v1/products/%2e%2e',
      '/api/v1/products/%2E%2E/more',
      '/api/v1/products/../products',
      '/api/v1/products/.',
      '/api/v1/products/..',
      '/api/v1/./products',
      '//api/v1/products',
      '/api//v1/products',
      '/api/v1/products//more',
      '/api/v1/products/a%2fmore',
      '/api/v1/products/a%2Fmore',
      '/api/v1/products/a\\more',
      '/api/v1/products/a%5cmore',
      '/api/v1/products/a%00',
      '/api/v1/products/%00/more',
      '/api/v1/products/a#/more',
      '/api/v1/products#a',
      '/api/v1/products/a|b',
      '/api/v1/products/"a"',
      '/api/v1/products/{a}/more',
    ]
    for (const path of refused) {
      const answer = await sendRaw(url, `GET ${path} HTTP/1.1`, 'Host: shop', 'Connection: close', '', '')
      assert.match(answer, /^HTTP\/1\.1 400 .*"code":"request\.malformed"/s, path)
    }
    const unknown = [
      '/api/v1/products/',
      '/api/v1/products;x=1',
      '/api/v1/%70roducts',
      '/API/v1/products',
      '/api/v1/products/a/more/',
    ]
    for (const path of [...unknown, '/api/v1/products/a/b', '/api', '/%', '/products.'])
      assert.deepEqual(outcome(await ask(url, { path })), [404, 'route.unknown'], path)
    assert.deepEqual(service.seen, [])
  })

  test('only well-formed addresses of this host are served', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes: [route('GET /things')] })
    for (const line of ['GET http://127.0.0.1/things', 'GET things', 'OPTIONS *', 'get /things', 'GET /caf\u00e9']) {
      const answer = await sendRaw(url, `${line} HTTP/1.1`, 'Host: shop', 'Connection: close', '', '')
      assert.match(answer, /^HTTP\/1\.1 400 /, line)
    }
    assert.equal(await sendRaw(url, 'CONNECT 127.0.0.1:22 HTTP/1.1', 'Host: shop', '', ''), '')
    assert.deepEqual(service.seen, [])
  })

  test('an address may have 4096 characters', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes: [route('GET /things')] })
    const ofLength = (length: number) => '/things?q='.padEnd(length, 'x')
    assert.deepEqual(outcome(await ask(url, { path: ofLength(4_097) })), [414, 'request.target-too-long'])
    assert.equal((await ask(url, { path: ofLength(20_000) })).status, 431)
    assert.equal((await ask(url, { path: ofLength(4_096) })).status, 200)
    assert.deepEqual(
      service.seen.map(({ url: target }) => target),
      [ofLength(4_096)],
    )
  })

  test('a known address with another method tells which it takes', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, {
      url: service.url,
      routes: [route('GET /things/:id'), route('PATCH /things/:id'), route('POST /things/:id/close')],
    })
    for (const method of ['DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, headers, body } = await ask(url, { method, path: '/things/1' })
      assert.deepEqual([status, headers.allow, body.code], [405, 'GET, HEAD, PATCH', 'route.method-not-allowed'])
    }
    const overridden = { 'x-http-method-override': 'PATCH', 'x-method-override': 'PATCH' }
    const posted = await ask(url, { method: 'POST', path: '/things/1', headers: overridden })
    assert.deepEqual(outcome(posted), [405, 'route.method-not-allowed'])
    assert.equal((await ask(url, { path: '/things/1/close' })).headers.allow, 'POST')
    assert.deepEqual(service.seen, [])
  })

  test('HEAD is answered like GET, without the body', async (t) => {
    const service = await startService(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '5', etag: '"7"' }).end('hello')
    })
    const url = await startGatewayTo(t, { url: service.url, routes: [route('GET /things'), route('POST /orders')] })
    const { status, headers, text } = await ask(url, { method: 'HEAD', path: '/things' })
    assert.deepEqual([status, headers['content-length'], headers['etag'], text], [200, '5', '"7"', ''])
    assert.equal((await ask(url, { method: 'HEAD', path: '/orders' })).status, 405)
    assert.deepEqual(
      service.seen.map(({ method }) => method),
      ['HEAD'],
    )
  })

  test('a fixed segment wins over a parameter, and a parameter is never empty', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, {
      url: service.url,
      routes: [
        route('POST /things/import', { access: 'catalogue:write' }),
        route('POST /things/:id'),
        route('GET /things/:id/parts'),
      ],
    })
    assert.equal((await ask(url, { method: 'POST', path: '/things/import' })).status, 401)
    assert.equal((await ask(url, { method: 'POST', path: '/things/' })).status, 404)
    assert.equal((await ask(url, { method: 'POST', path: '/things/imports' })).status, 200)
    assert.equal((await ask(url, { path: '/things/import/parts' })).status, 200)
  })

  test('a target is passed on byte by byte', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { inventory: service.url, product: service.url, given: { CACHE_MIB: '0' } })
    const targets = [
      '/api/v1/inventory/A%2fB%20%c3%a4',
      '/api/v1/inventory/..%2f..%2fusers%2fme',
      '/api/v1/products/a;b=%41,@:$',
      '/api/v1/products?q=%2e%2e%2f//..&q=%00&limit=2?3',
    ]
    for (const path of targets) assert.equal((await ask(url, { path })).status, 200, path)
    assert.deepEqual(
      service.seen.map((seen) => seen.url),
      targets,
    )
  })

  test('what is not open to all is just this', () => {
    const closed = routes.filter(({ access }) => access !== 'public')
    const needed = Object.fromEntries(closed.map(({ method, path, access }) => [`${method} ${path}`, access]))
    assert.deepEqual(needed, {
      'POST /api/v1/auth/logout-everywhere': 'signed-in',
      'GET /api/v1/users/me': 'signed-in',
      'GET /api/v1/users/me/sessions': 'signed-in',
      'DELETE /api/v1/users/me/sessions/:id': 'signed-in',
      'PATCH /api/v1/users/me': 'signed-in',
      'POST /api/v1/users/me/password': 'signed-in',
      'POST /api/v1/users/me/email': 'signed-in',
      'POST /api/v1/users/me/email-verification': 'signed-in',
      'POST /api/v1/users/me/close': 'signed-in',
      'GET /api/v1/users/me/addresses': 'signed-in',
      'POST /api/v1/users/me/addresses': 'signed-in',
      'GET /api/v1/users/me/addresses/:id': 'signed-in',
      'PUT /api/v1/users/me/addresses/:id': 'signed-in',
      'DELETE /api/v1/users/me/addresses/:id': 'signed-in',
      'GET /api/v1/users/me/second-factor': 'signed-in',
      'POST /api/v1/users/me/second-factor/totp': 'signed-in',
      'POST /api/v1/users/me/second-factor/totp/confirm': 'signed-in',
      'POST /api/v1/users/me/second-factor/recovery-codes': 'signed-in',
      'POST /api/v1/users/me/second-factor/remove': 'signed-in',
      'GET /api/v1/users/me/identities': 'signed-in',
      'POST /api/v1/users/me/identities': 'signed-in',
      'POST /api/v1/users/me/identities/complete': 'signed-in',
      'DELETE /api/v1/users/me/identities/:id': 'signed-in',
      'POST /api/v1/users/me/exports': 'signed-in',
      'GET /api/v1/users/me/exports/:id': 'signed-in',
      'GET /api/v1/users/me/exports/:id/document': 'signed-in',
      'POST /api/v1/users/me/erasure': 'signed-in',
      'POST /api/v1/users/me/reauthentication': 'signed-in',
      'PUT /api/v1/users/:id/roles': 'roles:write',
      'DELETE /api/v1/users/:id/sessions': 'sessions:write',
      'POST /api/v1/users/:id/erasure': 'people:erase',
      'GET /api/v1/users/me/security-log': 'signed-in',
      'GET /api/v1/security-log': 'security-log:read',
      'GET /api/v1/api-keys': 'api-keys:write',
      'POST /api/v1/api-keys': 'api-keys:write',
      'DELETE /api/v1/api-keys/:id': 'api-keys:write',
      'GET /api/v1/signing-keys': 'signing-keys:write',
      'POST /api/v1/signing-keys/rotate': 'signing-keys:write',
      'POST /api/v1/products': 'catalogue:write',
      'POST /api/v1/products/import': 'catalogue:write',
      'PATCH /api/v1/products/:idOrHandle': 'catalogue:write',
      'POST /api/v1/products/:idOrHandle/archive': 'catalogue:write',
      'POST /api/v1/inventory/opening-stock': 'stock:write',
      'GET /api/v1/inventory/:sku/movements': 'stock:read',
      'POST /api/v1/inventory/:sku/adjustments': 'stock:write',
      'GET /api/v1/coupons': 'coupons:read',
      'POST /api/v1/coupons': 'coupons:write',
      'GET /api/v1/coupons/:code': 'coupons:read',
      'PATCH /api/v1/coupons/:code': 'coupons:write',
      'GET /api/v1/orders': 'signed-in',
      'GET /api/v1/payments/:orderId': 'payments:read',
      'GET /api/v1/analytics/sales': 'sales:read',
    })
  })

  test('every route of the table reaches its service, and lets in nobody with a lower role', async (t) => {
    const issuer = await startIssuer(t)
    const services = new Map<ServiceName, Awaited<ReturnType<typeof startService>>>()
    for (const name of serviceNames) services.set(name, await startService(t))
    const urls = Object.fromEntries([...services].map(([name, service]) => [name, service.url]))
    const { url } = await startGateway(t, { ...urls, jwks: issuer.jwksUrl, given: { CACHE_MIB: '0' } })
    const ladder = [undefined, await issuer.as('customer'), await issuer.as('staff'), await issuer.as('admin')]
    for (const { method, path, service, access } of routes) {
      const target = path.replaceAll(/:\w+/g, 'a1')
      const statuses: number[] = []
      for (const token of ladder)
        statuses.push((await ask(url, { method, path: target, ...(token ? { token } : {}) })).status)
      const lowest = lowestStep(access)
      const expected = ladder.map((_, step) => (step >= lowest ? 200 : step === 0 ? 401 : 403))
      assert.deepEqual(statuses, expected, `${method} ${path}`)
      const reached = services.get(service)?.seen.filter((seen) => seen.method === method && seen.url === target)
      assert.equal(reached?.length, ladder.length - lowest, `${method} ${path}`)
    }
  })
})

/** How far up the ladder of nobody, customer, staff and admin one has to be. */
function lowestStep(access: Access): number {
  if (access === 'public') return 0
  if (access === 'signed-in') return 1
  return permissionsOf(['staff']).includes(access) ? 2 : 3
}

const outcome = ({ status, body }: { status: number; body: { code: string } }) => [status, body.code]
