import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask, clock, route, sendRaw, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const routes = [route('GET /things'), route('POST /things'), route('GET /mine', { access: 'signed-in' })]

describe('headers of a request', () => {
  test('what only the gateway may say is not believed from outside', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const lies = {
      'x-deadline-ms': '999999',
      'x-user-id': 'admin',
      'X-User-Roles': 'admin',
      'x-micromart-caller': 'admin',
      'x-forwarded-for': '10.0.0.1, 10.0.0.2',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
      forwarded: 'for=10.0.0.1',
      'x-real-ip': '10.0.0.1',
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
    }
    await ask(url, { path: '/things', headers: { ...lies, host: 'shop.example', 'x-harmless': 'yes' } })
    const { traceparent, 'x-request-id': requestId, connection, ...rest } = service.seen[0]?.headers ?? {}
    assert.deepEqual(rest, {
      host: 'shop.example',
      'x-harmless': 'yes',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'http',
      'x-deadline-ms': '5000',
    })
    assert.equal(connection, 'keep-alive', 'between gateway and service, whatever the client wants')
    assert.ok(traceparent && requestId)
  })

  test('who asks is told by the verified token, which the service verifies again', async (t) => {
    const service = await startService(t)
    const issuer = await startIssuer(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: issuer.jwksUrl })
    const token = await issuer.as('customer')
    assert.equal((await ask(url, { path: '/mine', token, headers: { 'x-user-id': 'somebody-else' } })).status, 200)
    assert.equal(service.seen[0]?.headers.authorization, `Bearer ${token}`)
    assert.equal(service.seen[0]?.headers['x-user-id'], undefined)
  })

  test('headers of one connection stay on it, also those that it names itself', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const answer = await sendRaw(
      url,
      'GET /things HTTP/1.1',
      'Host: shop',
      'Connection: close, X-Named, x-forwarded-for, TRACEPARENT',
      'X-Named: 1',
      'Keep-Alive: timeout=99',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eA==',
      'TE: trailers',
      'Upgrade: websocket',
      'Cart-Token: guest',
      '',
      '',
    )
    assert.match(answer, /^HTTP\/1\.1 200 /)
    const names = Object.keys(service.seen[0]?.headers ?? {}).sort()
    const own = [
      'traceparent',
      'x-deadline-ms',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-request-id',
    ]
    assert.deepEqual(names, ['cart-token', 'connection', 'host', ...own])
    assert.equal(service.seen[0]?.headers['x-forwarded-for'], '127.0.0.1')
  })

  test('a client that waits for 100 Continue is told to go on, and the service gets the body', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const head = [
      'POST /things HTTP/1.1',
      'Host: shop',
      'Connection: close',
      'Expect: 100-continue',
      'Content-Length: 5',
    ]
    const answer = await sendRaw(url, ...head, '', 'hello')
    assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    assert.equal(service.seen[0]?.headers.expect, undefined)
    assert.deepEqual(await service.seen[0]?.body, { text: 'hello', whole: true })
  })

  test('the request id of a client is kept when it is harmless, and goes to service and client', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (const given of ['id with spaces', 'x'.repeat(101), '<script>', '']) {
      const answer = await ask(url, { path: '/things', headers: { 'x-request-id': given } })
      assert.match(String(answer.headers['x-request-id']), UUID, given)
      assert.equal(service.seen.at(-1)?.headers['x-request-id'], answer.headers['x-request-id'])
    }
    const kept = await ask(url, { path: '/things', headers: { 'x-request-id': 'checkout-7.a_B' } })
    assert.equal(kept.headers['x-request-id'], 'checkout-7.a_B')
    assert.equal(service.seen.at(-1)?.headers['x-request-id'], 'checkout-7.a_B')
    const refused = await ask(url, { path: '/nothing', headers: { 'x-request-id': 'checkout-8' } })
    assert.deepEqual([refused.status, refused.headers['x-request-id']], [404, 'checkout-8'])
  })

  test('a trace goes on with a span of its own; a malformed one is begun anew', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const traceOf = async (traceparent: string) => {
      await ask(url, { path: '/things', headers: { traceparent } })
      return String(service.seen.at(-1)?.headers['traceparent'])
    }
    assert.match(
      await traceOf(`00-${traceId}-00f067aa0ba902b7-01`),
      RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`),
    )
    for (const malformed of ['nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-${traceId}-1-01`])
      assert.match(await traceOf(malformed), /^00-(?!4bf92f|0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/, malformed)
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    assert.equal((await ask(url, { path: '/nothing', headers })).body.traceId, traceId)
  })
})

describe('headers of an answer', () => {
  test('all are passed on, but not those of the connection to the service', async (t) => {
    const service = await startService(t, (_request, response) =>
      response
        .writeHead(201, {
          connection: 'keep-alive, x-named',
          'keep-alive': 'timeout=99',
          'x-named': '1',
          'proxy-authenticate': 'Basic',
          'set-cookie': ['a=1', 'b=2'],
          location: '/things/1',
          date: clock.now().toUTCString(),
        })
        .end('made'),
    )
    const url = await startGatewayTo(t, { url: service.url, routes })
    const { status, headers, text } = await ask(url, { method: 'POST', path: '/things' })
    const { 'x-request-id': requestId, ...rest } = headers
    assert.deepEqual([status, text], [201, 'made'])
    assert.deepEqual(rest, {
      'set-cookie': ['a=1', 'b=2'],
      location: '/things/1',
      date: clock.now().toUTCString(),
      connection: 'close',
      'transfer-encoding': 'chunked',
    })
    assert.match(String(requestId), UUID)
  })
})
