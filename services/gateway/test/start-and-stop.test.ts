import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { uuidV7 } from '@micromart/kernel/ids'
import { silentLogger } from '@micromart/telemetry/logger'
import { until } from '@micromart/testkit/until'
import { gateway } from '../src/main.ts'
import { answerOf, ask, clock, startGateway, startService } from './gateway-harness.ts'

/** Far below the ten seconds after which a gateway that closes gives up waiting. */
const quick = { timeout: 5_000 }
const path = '/api/v1/products'

describe('the start', () => {
  test('tells everything that is missing in the configuration at once', async () => {
    const environment = { PORT: '70000', ORDER_URL: 'order.example' }
    await assert.rejects(
      gateway.start({ environment, log: silentLogger(), clock, ids: uuidV7(clock) }),
      (error: Error) => {
        const named = error.message.match(/^ {2}[A-Z_]+/gm)?.map((name) => name.trim())
        const services = ['USER', 'PRODUCT', 'INVENTORY', 'CART', 'ORDER', 'PAYMENT', 'NOTIFICATION', 'ANALYTICS']
        const urls = services.map((name) => `${name}_URL`)
        assert.deepEqual(named, ['PORT', 'JWKS_URL', 'USER_GRPC_URL', 'INTERNAL_TOKEN', ...urls])
        return true
      },
    )
  })

  test('fails when the port is taken', async (t) => {
    const { url } = await startGateway(t)
    await assert.rejects(startGateway(t, { port: new URL(url).port }), { code: 'EADDRINUSE' })
  })
})

describe('the end', () => {
  test('finishes what runs, takes nothing new, and is over with the last answer', quick, async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => void answering.push(response))
    const door = await startGateway(t, { product: service.url })
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const request = send(door.url + path, { agent })
    request.end()
    await until(async () => answering.length === 1, { what: 'the service is asked' })

    const closed = door.close()
    await assert.rejects(ask(door.url, { path }), { code: 'ECONNREFUSED' })
    answering[0]?.end('the answer')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { status, text, headers } = await answerOf(response)
    assert.deepEqual([status, text, headers.connection], [200, 'the answer', 'close'])
    await closed
    assert.equal(service.seen.length, 1)
  })

  test('finishes an answer that has begun, also on a connection that is kept', quick, async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => {
      response.write('the beginning')
      answering.push(response)
    })
    const door = await startGateway(t, { product: service.url, given: { CACHE_MIB: '0' } })
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const request = send(door.url + path, { agent })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const closed = door.close()
    answering[0]?.end(' and the end')
    assert.equal((await answerOf(response)).text, 'the beginning and the end')
    await closed
  })

  test('cuts off nobody who reads slowly', quick, async (t) => {
    const summary = 'x'.repeat(16_000_000) // more than the buffers of both sockets hold
    const document = JSON.stringify({ paths: { [path]: { get: { summary } } } })
    const service = await startService(t, (_request, response) => void response.end(document))
    const door = await startGateway(t, { product: service.url })
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const request = send(`${door.url}/openapi.json`, { agent })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const closed = door.close()
    assert.equal((await answerOf(response)).body.paths[path].get.summary.length, summary.length)
    await closed
  })

  test('answers a request that was half there', quick, async (t) => {
    const service = await startService(t)
    const door = await startGateway(t, { product: service.url })
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
    socket.write(`HEAD ${path} HTTP/1.1\r\nHost: shop\r\n\r\nHEAD ${path}?second HTTP/1.1\r\nHost: `)
    const [first] = await once(socket, 'data')
    const closed = door.close()
    socket.write('shop\r\n\r\n')
    const [second] = await once(socket, 'data')
    assert.match(String(first), /^HTTP\/1\.1 200 .*\r\nConnection: keep-alive\r\n/s)
    assert.match(String(second), /^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s)
    await closed
    assert.equal(service.seen.length, 2)
  })

  test('after ten seconds cuts what has not finished', quick, async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => void answering.push(response))
    const door = await startGateway(t, { product: service.url })
    const asked = assert.rejects(ask(door.url, { path }), { code: 'ECONNRESET' })
    await until(async () => answering.length === 1, { what: 'the service is asked' })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const closed = door.close()
    t.mock.timers.tick(10_000)
    t.mock.timers.reset()
    await Promise.all([asked, closed])
    await until(async () => answering[0]?.destroyed, { what: 'the service sees that nobody waits any more' })
  })

  test('does not wait for clients that ask nothing', quick, async (t) => {
    const service = await startService(t)
    const door = await startGateway(t, { product: service.url })
    const silent = connect(Number(new URL(door.url).port), '127.0.0.1')
    await once(silent, 'connect')
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const request = send(door.url + path, { agent })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await answerOf(response)
    await door.close()
    silent.destroy()
  })
})
