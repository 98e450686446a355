import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type ServerResponse,
  request as send,
} from 'node:http'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import {
  answerOf,
  ask,
  nowhere,
  route,
  startGatewayTo,
  startIssuer,
  startService,
  startSocketService,
} from './gateway-harness.ts'

const routes = [route('GET /things'), route('POST /things')]
const impatient = [route('GET /things', { deadlineMs: 30 }), route('POST /things', { deadlineMs: 30 })]
const chunked = { headers: { 'transfer-encoding': 'chunked' } }
const never: RequestListener = () => {}

/** What comes of a request whose body has only begun. */
async function begun(url: string, headers: OutgoingHttpHeaders): Promise<readonly [status: number, code: string]> {
  const request = send(`${url}/things`, { method: 'POST', headers, agent: false })
  request.write('the beginning')
  const [response] = await once(request, 'response')
  const { status, body } = await answerOf(response)
  request.on('error', () => {}).destroy()
  return [status, body.code]
}

describe('a service that fails', () => {
  test('refuses the connection: 503, and when to try again', async (t) => {
    const url = await startGatewayTo(t, { url: nowhere, routes })
    for (const call of [
      { method: 'GET' },
      { method: 'POST', body: '{}' },
      { method: 'POST', body: '{}', ...chunked },
    ]) {
      const { status, headers, body } = await ask(url, { path: '/things', ...call })
      assert.deepEqual([status, headers['content-type']], [503, 'application/problem+json'])
      assert.equal(headers['retry-after'], '1')
      const { traceId, detail, ...problem } = body
      const [type, title] = ['/problems/service.unavailable', 'Service Unavailable']
      assert.deepEqual(problem, { type, title, status: 503, code: 'service.unavailable' })
      assert.match(traceId, /^[0-9a-f]{32}$/)
      assert.doesNotMatch(detail, /127\.0\.0\.1|ECONN/)
    }
  })

  test('never answers: 504 at the deadline, and it is let go', async (t) => {
    const open = new Set<Socket>()
    const service = await startService(t, ({ socket }) => open.add(socket.once('close', () => open.delete(socket))))
    const url = await startGatewayTo(t, { url: service.url, routes: impatient })
    for (const call of [
      { method: 'GET' },
      { method: 'POST', body: '{}' },
      { method: 'POST', body: '{}', ...chunked },
    ]) {
      const { status, headers, body } = await ask(url, { path: '/things', ...call })
      assert.deepEqual([status, headers['retry-after'], body.code], [504, '1', 'gateway.timeout'])
    }
    assert.ok(service.seen.length <= 3, 'it is asked once each')
    await until(async () => open.size === 0, { what: 'the connections to the service are closed' })
  })

  test('does not answer while the client is still sending: 504 at the deadline', async (t) => {
    const service = await startService(t, never)
    const routes = [route('POST /things', { deadlineMs: 400 })]
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (const headers of [{ 'content-length': '100' }, chunked.headers])
      assert.deepEqual(await begun(url, headers), [504, 'gateway.timeout'])
    for (const seen of service.seen) assert.equal((await seen.body).whole, false)
  })

  test('is not asked for what a client does not send before the deadline: 408', async (t) => {
    const service = await startService(t, never)
    const url = await startGatewayTo(t, { url: service.url, routes: impatient })
    for (const headers of [{ 'content-length': '100' }, chunked.headers])
      assert.deepEqual(await begun(url, headers), [408, 'request.too-slow'])
    assert.equal(service.seen.length, 0)
  })

  test('begins its answer and stops: the answer is cut off at the deadline', { timeout: 5_000 }, async (t) => {
    const service = await startService(t, (_request, response) => void response.write('the beginning'))
    const url = await startGatewayTo(t, { url: service.url, routes: impatient })
    const outcome = () =>
      ask(url, { path: '/things' }).then(
        ({ status }) => status,
        ({ code }) => code,
      )
    // on a busy machine the deadline may come before the beginning does: 504
    await until(async () => (await outcome()) === 'ECONNRESET', { what: 'a beginning is cut off', withinMs: 5_000 })
  })

  for (const [name, garbage] of Object.entries({
    'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n\r\n',
    'a status that is none': 'HTTP/1.1 abc OK\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a header without a colon': 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n',
    'a header with NUL': 'HTTP/1.1 200 OK\r\nX-One: \0\r\n\r\n',
  }))
    test(`answers with ${name}: 502`, async (t) => {
      const service = await startSocketService(t, (socket) =>
        socket.once('data', () => socket.write(garbage, 'latin1')),
      )
      const url = await startGatewayTo(t, { url: service, routes })
      const { status, body } = await ask(url, { path: '/things' })
      assert.deepEqual([status, body.code], [502, 'gateway.bad-upstream'])
    })

  test('changes the protocol unasked: no answer of it is passed on', async (t) => {
    const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'
    const service = await startSocketService(t, (socket) => socket.once('data', () => socket.write(upgrade)))
    const url = await startGatewayTo(t, { url: service, routes })
    assert.match(String((await ask(url, { path: '/things' })).status), /^50[23]$/)
  })

  test('resets the connection in the middle of its answer: the client sees that it is not whole', async (t) => {
    for (const half of ['Content-Length: 100\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n']) {
      const open: Socket[] = []
      const service = await startSocketService(t, (socket) => {
        open.push(socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${half}`)))
      })
      const url = await startGatewayTo(t, { url: service, routes })
      const request = send(`${url}/things`, { agent: false })
      request.end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      await once(response, 'readable')
      open[0]?.resetAndDestroy()
      await assert.rejects(answerOf(response), { code: 'ECONNRESET' })
    }
  })

  test('hangs up without an answer: what may be repeated is asked once more, a write without a key never', async (t) => {
    let asked = 0
    const service = await startSocketService(t, (socket) =>
      socket.once('data', () => {
        asked += 1
        socket.resetAndDestroy()
      }),
    )
    const url = await startGatewayTo(t, { url: service, routes })
    const written = await ask(url, { method: 'POST', path: '/things', body: '{}' })
    assert.deepEqual([written.status, written.body.code, asked], [503, 'service.unavailable', 1])
    const withoutBody = await ask(url, { method: 'POST', path: '/things' })
    assert.deepEqual([withoutBody.status, withoutBody.body.code, asked], [503, 'service.unavailable', 2])
    const read = await ask(url, { path: '/things' })
    assert.deepEqual([read.status, read.body.code, asked], [503, 'service.unavailable', 4])
    const withBody = await ask(url, { path: '/things', body: '{}', ...chunked })
    assert.deepEqual([withBody.status, withBody.body.code, asked], [503, 'service.unavailable', 6])
    const headers = { 'idempotency-key': 'again' }
    const keyed = await ask(url, { method: 'POST', path: '/things', body: '{}', headers })
    assert.deepEqual([keyed.status, keyed.body.code, asked], [503, 'service.unavailable', 8])
  })

  test('closes a kept connection just when it is used again: nobody notices', async (t) => {
    let connections = 0
    const service = await startSocketService(t, (socket) => {
      const isFirst = ++connections === 1
      let requests = 0
      socket.on('data', () => {
        requests += 1
        if (isFirst && requests === 2) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    const url = await startGatewayTo(t, { url: service, routes })
    for (const connectionsThen of [1, 2]) {
      assert.equal((await ask(url, { path: '/things' })).text, 'ok')
      assert.equal(connections, connectionsThen)
    }
  })

  test('fails by itself: its own answer is passed on', async (t) => {
    const service = await startService(t, (_request, response) => void response.writeHead(500).end('{"code":"own"}'))
    const url = await startGatewayTo(t, { url: service.url, routes })
    const { status, text } = await ask(url, { path: '/things' })
    assert.deepEqual([status, text], [500, '{"code":"own"}'])
  })
})

describe('a client that goes away', () => {
  test('before the answer: the service is told to stop', async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => void answering.push(response))
    const url = await startGatewayTo(t, { url: service.url, routes })
    const request = send(`${url}/things`).on('error', () => {})
    request.end()
    await until(async () => answering.length === 1, { what: 'the service is asked' })
    request.destroy()
    await until(async () => answering[0]?.destroyed, { what: 'the service sees that nobody waits any more' })
  })

  test('in the middle of the answer: the service is told to stop', async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => {
      response.write('the beginning')
      answering.push(response)
    })
    const url = await startGatewayTo(t, { url: service.url, routes })
    const request = send(`${url}/things`)
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await once(response, 'data')
    request.on('error', () => {}).destroy()
    await until(async () => answering[0]?.destroyed, { what: 'the service sees that nobody reads any more' })
  })

  test('while its token is checked: the service is not asked at all', async (t) => {
    const waiting: ServerResponse[] = []
    const keys = await startService(t, (_request, response) => void waiting.push(response))
    const issuer = await startIssuer(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: keys.url })
    const headers = { authorization: `Bearer ${await issuer.as('customer')}` }
    const leaving = send(`${url}/things?leaving`, { headers, agent: false }).on('error', () => {})
    leaving.end()
    await until(async () => waiting.length === 1, { what: 'the keys are asked for' })
    leaving.destroy()
    const staying = ask(url, { path: '/things?staying', headers })
    const keySet = await ask(issuer.jwksUrl, { path: '/' })
    waiting[0]?.end(keySet.text)
    assert.equal((await staying).status, 200)
    assert.deepEqual(
      service.seen.map(({ url: target }) => target),
      ['/things?staying'],
    )
  })
})
