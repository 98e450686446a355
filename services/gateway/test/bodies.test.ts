import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as send } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { answerOf, ask, route, sendRaw, startGatewayTo, startService } from './gateway-harness.ts'

const routes = [route('POST /things', { bodyLimit: 16 }), route('GET /things')]
const chunked = { 'transfer-encoding': 'chunked' }

describe('bodies of requests', () => {
  test('a declared length over the limit is refused before the service hears of it', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const answer = await sendRaw(url, 'POST /things HTTP/1.1', 'Host: shop', 'Content-Length: 17', '', 'the beginning')
    assert.match(answer, /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n.*"code":"request\.too-large"/is)
    assert.deepEqual(service.seen, [])
  })

  test('a chunked body over the limit is refused while it comes, and the service never gets a whole one', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const request = send(`${url}/things`, { method: 'POST', headers: chunked })
    request.write('x'.repeat(16))
    await until(async () => service.seen.length === 1, { what: 'the service has the beginning' })
    request.write('x')
    const [response] = await once(request, 'response')
    const { status, body } = await answerOf(response)
    assert.deepEqual([status, body.code], [413, 'request.too-large'])
    assert.equal((await service.seen[0]?.body)?.whole, false)
    request.destroy()
  })

  test('a chunked body that is over the limit at once is refused all the same', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const { status, body } = await ask(url, { method: 'POST', path: '/things', headers: chunked, body: 'x'.repeat(17) })
    assert.deepEqual([status, body.code], [413, 'request.too-large'])
    for (const seen of service.seen) assert.equal((await seen.body).whole, false)
  })

  test('a body of just the limit is passed on, declared or chunked, as it was sent', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const body = '0123456789abcdef'
    const declared = { 'content-length': '16', 'content-type': 'text/plain' }
    assert.equal((await ask(url, { method: 'POST', path: '/things', headers: declared, body })).status, 200)
    assert.equal((await ask(url, { method: 'POST', path: '/things', headers: chunked, body })).status, 200)
    assert.equal((await ask(url, { method: 'POST', path: '/things' })).status, 200)
    const seen = await Promise.all(
      service.seen.map(async ({ headers, body: came }) => ({
        length: headers['content-length'],
        coding: headers['transfer-encoding'],
        ...(await came),
      })),
    )
    assert.deepEqual(seen, [
      { length: '16', coding: undefined, text: body, whole: true },
      { length: undefined, coding: 'chunked', text: body, whole: true },
      { length: '0', coding: undefined, text: '', whole: true },
    ])
  })

  test('an answer that comes before the body is whole reaches the client', async (t) => {
    const service = await startService(t, (_request, response) => void response.writeHead(409).end('conflict'))
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (const headers of [chunked, { 'content-length': '16' }]) {
      const request = send(`${url}/things`, { method: 'POST', headers, agent: false })
      request.write('half of')
      const [response] = await once(request, 'response')
      const { status, text } = await answerOf(response)
      assert.deepEqual([status, text], [409, 'conflict'])
      request.on('error', () => {}).destroy()
    }
  })

  test('a client that leaves in the middle of its body leaves no whole request behind', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (const headers of [chunked, { 'content-length': '16' }]) {
      const before = service.seen.length
      const request = send(`${url}/things`, { method: 'POST', headers, agent: false }).on('error', () => {})
      request.write('half of')
      await until(async () => service.seen.length > before, { what: 'the service has the beginning' })
      request.destroy()
      assert.equal((await service.seen[before]?.body)?.whole, false)
    }
  })
})

describe('requests that two readers could cut differently', () => {
  const second = ['GET /things HTTP/1.1', 'Host: shop', 'X-Smuggled: yes', '', '']
  const smuggled: Readonly<Record<string, readonly string[]>> = {
    'length and chunks': ['Content-Length: 5', 'Transfer-Encoding: chunked', '', '0', '', ...second],
    'chunks and length': ['Transfer-Encoding: chunked', 'Content-Length: 5', '', '0', '', ...second],
    'two lengths': ['Content-Length: 0', 'Content-Length: 5', '', ...second],
    'the same length twice': ['Content-Length: 5', 'Content-Length: 5', '', 'hello', ...second],
    'a list of lengths': ['Content-Length: 5, 5', '', 'hello', ...second],
    'a signed length': ['Content-Length: +5', '', 'hello', ...second],
    'a hexadecimal length': ['Content-Length: 0x5', '', 'hello', ...second],
    'chunked last but one': ['Transfer-Encoding: chunked, identity', '', '0', '', ...second],
    'chunked twice': ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0', '', ...second],
    'something like chunked': ['Transfer-Encoding: xchunked', '', '0', '', ...second],
    'a space before the colon': ['Content-Length : 5', '', 'hello', ...second],
    'a folded header': ['X-One: 1', ' Content-Length: 5', 'Content-Length: 0', '', ...second],
    'a bare line feed': ['X-One: 1\nContent-Length: 5', '', 'hello', ...second],
    'a bare carriage return': ['X-One: 1\rX-Two: 2', 'Content-Length: 0', '', ...second],
    'NUL in a header': ['X-One: 1\0', 'Content-Length: 0', '', ...second],
    'a chunk length with rubbish': ['Transfer-Encoding: chunked', '', '5x', 'hello', '0', '', ...second],
    'a chunk longer than it says': ['Transfer-Encoding: chunked', '', '3', 'hello', '0', '', ...second],
    'a chunk ended by a line feed': ['Transfer-Encoding: chunked', '', '5\nhello', '0', '', ...second],
  }

  for (const [name, lines] of Object.entries(smuggled))
    test(`${name}: refused, and nothing after it is read`, async (t) => {
      const service = await startService(t)
      const url = await startGatewayTo(t, { url: service.url, routes })
      const answer = await sendRaw(url, 'POST /things HTTP/1.1', 'Host: shop', ...lines)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
      for (const seen of service.seen) assert.equal((await seen.body).whole, false)
      assert.ok(service.seen.every(({ headers }) => headers['x-smuggled'] === undefined))
    })

  test('a request without Host, or with two, is refused', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (const lines of [[], ['Host: shop', 'Host: evil']])
      assert.match(
        await sendRaw(url, 'GET /things HTTP/1.1', ...lines, 'Connection: close', '', ''),
        /^HTTP\/1\.1 400 /,
      )
    assert.deepEqual(service.seen, [])
  })

  test('requests one behind the other on a connection are answered in their order', async (t) => {
    const service = await startService(t, (request, response) => {
      const name = String(request.headers['x-name'])
      if (name === 'first') return void request.once('close', () => setImmediate(() => response.end(name)))
      response.end(name)
    })
    const url = await startGatewayTo(t, { url: service.url, routes })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('GET /things HTTP/1.1\r\nHost: shop\r\nX-Name: first\r\n\r\n')
    socket.write('GET /things HTTP/1.1\r\nHost: shop\r\nX-Name: second\r\nConnection: close\r\n\r\n')
    const answers = (await socket.setEncoding('latin1').toArray()).join('')
    assert.deepEqual(answers.match(/first|second/g), ['first', 'second'])
  })
})
