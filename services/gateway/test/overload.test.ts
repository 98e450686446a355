import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ServerResponse, request as send } from 'node:http'
import { describe, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { answerOf, ask, nowhere, route, startGatewayTo, startService, startSocketService } from './gateway-harness.ts'

const routes = [route('GET /things'), route('POST /things'), route('GET /others', { service: 'cart' })]
const path = '/things'

describe('a service that has enough to do', () => {
  test('more requests at once than it may get are refused at once, and others are served again after', async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => void answering.push(response))
    const url = await startGatewayTo(t, { url: service.url, routes, mostInFlight: 2 })
    const running = [ask(url, { path }), ask(url, { path })]
    await until(async () => answering.length === 2, { what: 'two are asked' })
    const { status, headers, body } = await ask(url, { path })
    assert.deepEqual([status, headers['retry-after'], body.code], [503, '1', 'gateway.overloaded'])
    const elsewhere = ask(url, { path: '/others' })
    await until(async () => answering.length === 3, { what: 'another service is asked all the same' })
    for (const response of answering) response.end()
    for (const each of [...running, elsewhere]) assert.equal((await each).status, 200)
    const again = ask(url, { path })
    await until(async () => answering.length === 4, { what: 'there is room again' })
    answering[3]?.end()
    assert.equal((await again).status, 200)
  })

  test('clients that went away make room', async (t) => {
    const answering: ServerResponse[] = []
    const service = await startService(t, (_request, response) => void answering.push(response))
    const url = await startGatewayTo(t, { url: service.url, routes, mostInFlight: 1 })
    const leaving = send(url + path, { agent: false }).on('error', () => {})
    leaving.end()
    await until(async () => answering.length === 1, { what: 'the service is asked' })
    leaving.destroy()
    await until(async () => answering[0]?.destroyed, { what: 'it is told to stop' })
    const next = ask(url, { path })
    await until(async () => answering.length === 2, { what: 'the next is asked' })
    answering[1]?.end()
    assert.equal((await next).status, 200)
  })

  test('a small body that comes slowly takes no place of those that are whole', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes })
    const slow = Array.from({ length: 70 }, () => {
      const request = send(url + path, { method: 'POST', headers: { 'content-length': '10' }, agent: false })
      request.on('error', () => {}).write('half ')
      return request
    })
    await until(async () => service.seen.length >= 64, { what: 'as many as there are places for slow ones' })
    const { status } = await ask(url, { method: 'POST', path, body: '0123456789' })
    assert.equal(status, 200)
    for (const request of slow) request.destroy()
  })
})

describe('a service that keeps failing', () => {
  test('is left alone for a second, then tried with a few, then asked by all again', async (t) => {
    let nowMs = 0
    let asked = 0
    let works = false
    const url = await startGatewayTo(t, {
      url: await startSocketService(t, (socket) =>
        socket.on('data', () => {
          asked += 1
          if (works) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
          else socket.resetAndDestroy()
        }),
      ),
      routes,
      now: () => nowMs,
    })
    const post = () => ask(url, { method: 'POST', path, body: '{}' })
    for (let count = 0; count < 20; count += 1) assert.equal((await post()).body.code, 'service.unavailable')
    assert.equal(asked, 20)
    works = true
    const { status, headers, body } = await post()
    assert.deepEqual([status, headers['retry-after'], body.code, asked], [503, '1', 'service.unavailable', 20])
    nowMs += 1_000
    for (let count = 0; count < 10; count += 1) assert.equal((await post()).status, 200)
    assert.equal(asked, 30)
  })

  test('clients that send too slowly, or go away, do not make it look like one', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes: [route('POST /things', { deadlineMs: 150 })] })
    const slowly = async () => {
      const request = send(url + path, { method: 'POST', headers: { 'content-length': '10' }, agent: false })
      request.on('error', () => {}).write('half ')
      const [response] = await once(request, 'response')
      const { status } = await answerOf(response)
      request.destroy()
      return status
    }
    const statuses = await Promise.all(Array.from({ length: 30 }, slowly))
    assert.ok(statuses.every((status) => status === 504))
    assert.equal((await ask(url, { method: 'POST', path, body: 'whole' })).status, 200)
  })

  test('answers of its own with 5xx are no reason to leave it alone: one bad address must not close all', async (t) => {
    const service = await startService(t, (_request, response) => void response.writeHead(500).end('{}'))
    const url = await startGatewayTo(t, { url: service.url, routes })
    for (let count = 0; count < 30; count += 1) assert.equal((await ask(url, { path })).status, 500)
    assert.equal(service.seen.length, 30)
  })

  test('is not asked twice by everybody: repetitions have a budget', async (t) => {
    let asked = 0
    const url = await startGatewayTo(t, {
      url: await startSocketService(t, (socket) =>
        socket.on('data', () => {
          asked += 1
          socket.resetAndDestroy()
        }),
      ),
      routes,
    })
    for (let count = 0; count < 19; count += 1) await ask(url, { path })
    assert.equal(asked, 19 + 11, 'ten at hand, and one more for the requests of the test')
  })
})

describe('the deadline', () => {
  test('is told to the service: what is left of it', async (t) => {
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: [nowhere, service.url], routes })
    await ask(url, { path, headers: { 'x-deadline-ms': '1' } })
    const told = Number(service.seen[0]?.headers['x-deadline-ms'])
    assert.ok(told > 4_000 && told <= 5_000, `${told}`)
  })
})
