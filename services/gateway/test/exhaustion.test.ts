import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { ask, route, sendRaw, startGateway, startGatewayTo, startService } from './gateway-harness.ts'

const products = '/api/v1/products'

/** Connections that say something and then as good as nothing. To be made before the gateway, so that they leave before it ends. */
function crowd(t: TestContext) {
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return (url: string, says: string, from = '127.0.0.1'): Socket => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress: from })
    socket.on('error', () => {}).write(says)
    sockets.push(socket)
    return socket
  }
}

const slowHeaders = 'GET / HTTP/1.1\r\nHost: shop\r\nX-'
const slowBody = (path: string, length: number | 'chunked', begin = '') =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: shop',
    'Content-Type: application/json',
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    '',
    begin,
  ].join('\r\n')

describe('what a request may be', () => {
  test('so many headers and no more', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { product: service.url })
    const withHeaders = (count: number) =>
      sendRaw(
        url,
        `GET ${products} HTTP/1.1`,
        'Host: shop',
        'Connection: close',
        ...Array.from({ length: count - 2 }, (_, index) => `x${index}: 1`),
        '',
        '',
      )
    assert.match(await withHeaders(100), /^HTTP\/1\.1 200 /)
    for (const count of [101, 500]) {
      const refused = await withHeaders(count)
      assert.match(refused, /^HTTP\/1\.1 431 /)
      assert.match(refused, /"request\.too-many-headers"/)
    }
    assert.match(await withHeaders(5_000), /^HTTP\/1\.1 431 /)
    assert.equal(service.seen.length, 1)
  })

  test('so many parameters and no more', async (t) => {
    const service = await startService(t)
    const { url } = await startGateway(t, { product: service.url })
    const withParameters = (count: number) =>
      ask(url, { path: `${products}?${Array.from({ length: count }, () => 'a=1').join('&')}` })
    assert.equal((await withParameters(100)).status, 200)
    for (const count of [101, 1_000]) {
      const { status, body } = await withParameters(count)
      assert.deepEqual([status, body.code], [400, 'request.too-many-parameters'])
    }
    assert.equal((await withParameters(1_500)).status, 414)
    assert.equal((await withParameters(10_000)).status, 431)
    assert.equal(service.seen.length, 1)
  })
})

describe('clients that send slowly', () => {
  const mostInFlight = 8
  const routes = [route('POST /things', { bodyLimit: 1_000_000 }), route('GET /things')]

  test("they take nobody's place at a service, however many they are", async (t) => {
    const hostile = crowd(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, mostInFlight })
    for (let count = 0; count < 40; count += 1) {
      hostile(url, slowBody('/things', 500_000, 'x'.repeat(100)))
      hostile(url, slowBody('/things', 'chunked', '5\r\nbegin\r\n'))
      hostile(url, slowBody('/things', 50, '{'))
    }
    await until(async () => service.seen.length === mostInFlight / 4, { what: 'a quarter of the places is taken' })
    for (let count = 0; count < 20; count += 1) {
      assert.equal((await ask(url, { path: '/things' })).status, 200)
      assert.equal((await ask(url, { method: 'POST', path: '/things', body: '{}' })).status, 200)
    }
    const uploads = service.seen.filter(({ headers }) => headers['content-length'] !== '2' && headers['content-length'])
    assert.ok(uploads.length <= mostInFlight / 4)
  })

  test('one that is a little slow is served all the same: its body is waited for', async (t) => {
    const hostile = crowd(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, mostInFlight })
    for (let count = 0; count < 10; count += 1) hostile(url, slowBody('/things', 'chunked', '5\r\nbegin\r\n'))
    await until(async () => service.seen.length === mostInFlight / 4, { what: 'a quarter of the places is taken' })
    const slow = hostile(url, slowBody('/things', 7, '{"a"'))
    const answer = new Promise<string>((resolve) => slow.once('data', (chunk) => resolve(String(chunk))))
    const sentAt = performance.now()
    await until(async () => performance.now() - sentAt > 200, { what: 'more time than a body is waited for' })
    slow.write(':1}')
    assert.match(await answer, /^HTTP\/1\.1 200 /)
  })
})

describe('connections', () => {
  test('one address has no more than its share, behind which others are served', async (t) => {
    const hostile = crowd(t)
    const { url } = await startGateway(t, { given: { MOST_CONNECTIONS_PER_ADDRESS: '5' } })
    const all = Array.from({ length: 20 }, () => hostile(url, slowHeaders, '127.0.0.5').resume())
    await until(async () => all.filter(({ closed }) => closed).length === 15, { what: 'fifteen are turned away' })
    assert.equal((await ask(url, { path: '/health' })).status, 200)
  })

  test('among hundreds of slow ones, of every kind and from everywhere, the honest are served', async (t) => {
    const hostile = crowd(t)
    const service = await startService(t, (request, response) => {
      if (request.url?.endsWith('/long')) response.end(Buffer.alloc(4 * 1_024 * 1_024))
      else request.resume().once('end', () => response.end('{}'))
    })
    const { url } = await startGateway(t, { product: service.url, cart: service.url })
    const ways = [
      slowHeaders,
      slowBody('/api/v1/carts', 10_000, '{'),
      slowBody('/api/v1/carts', 'chunked', '1\r\n{\r\n'),
      `GET ${products}/long HTTP/1.1\r\nHost: shop\r\n\r\n`,
      'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: shop\r\n\r\n',
      '',
    ]
    for (let index = 0; index < 300; index += 1) {
      const from = `127.0.2.${1 + (index % 200)}`
      hostile(url, ways[index % ways.length] ?? '', from).pause()
    }
    const cartBody = {
      method: 'POST',
      path: '/api/v1/carts',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    }
    for (let count = 0; count < 50; count += 1) {
      assert.equal((await ask(url, { path: products })).status, 200)
      assert.equal((await ask(url, cartBody)).status, 200)
    }
  })
})
