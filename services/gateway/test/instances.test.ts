import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type RequestListener, request as send } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import {
  answerOf,
  ask,
  nowhere,
  route,
  startGateway,
  startGatewayTo,
  startIssuer,
  startService,
  startSocketService,
} from './gateway-harness.ts'

const routes = [route('GET /things'), route('POST /things', { bodyLimit: 1_000_000 })]
const path = '/things'
const key = { 'idempotency-key': 'the-same-key' }

const named =
  (name: string): RequestListener =>
  async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('')
    response.end(`${name} ${body.length}`)
  }

/** Two instances that answer with their names. */
async function startTwo(t: TestContext) {
  const [a, b] = [await startService(t, named('a')), await startService(t, named('b'))]
  return { a, b, urls: [a.url, b.url] }
}

describe('several instances of a service', () => {
  test('take turns', async (t) => {
    const { urls } = await startTwo(t)
    const url = await startGatewayTo(t, { url: urls, routes })
    const answers = []
    for (let turn = 0; turn < 4; turn += 1) answers.push((await ask(url, { path })).text)
    assert.deepEqual(answers, ['a 0', 'b 0', 'a 0', 'b 0'])
  })

  test('one that refuses the connection is passed over at once, whatever is asked: nothing was sent', async (t) => {
    const { b } = await startTwo(t)
    const url = await startGatewayTo(t, { url: [nowhere, b.url], routes })
    const body = 'x'.repeat(300_000)
    for (const call of [
      { method: 'GET' },
      { method: 'POST', body },
      { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } },
    ])
      assert.equal((await ask(url, { path, ...call })).text, `b ${call.body?.length ?? 0}`)
  })

  test('when all refuse: 503', async (t) => {
    const url = await startGatewayTo(t, { url: [nowhere, 'http://127.0.0.1:19'], routes })
    const { status, body } = await ask(url, { method: 'POST', path, body: '{}' })
    assert.deepEqual([status, body.code], [503, 'service.unavailable'])
  })

  test('one that breaks off: reads and writes with a key go to another one, with all of their body', async (t) => {
    const { b } = await startTwo(t)
    let resets = 0
    const broken = () =>
      startSocketService(t, (socket) =>
        socket.once('data', () => {
          resets += 1
          socket.resetAndDestroy()
        }),
      )
    const body = 'x'.repeat(300_000)
    for (const [call, expected] of [
      [{ method: 'GET' }, 'b 0'],
      [{ method: 'POST', body, headers: key }, 'b 300000'],
      [{ method: 'POST', body, headers: { ...key, 'transfer-encoding': 'chunked' } }, 'b 300000'],
    ] as const) {
      const url = await startGatewayTo(t, { url: [await broken(), b.url], routes })
      assert.equal((await ask(url, { path, ...call })).text, expected)
    }
    const url = await startGatewayTo(t, { url: [await broken(), b.url], routes })
    const unsafe = await ask(url, { method: 'POST', path, body: '{}' })
    assert.deepEqual([unsafe.status, unsafe.body.code, resets], [503, 'service.unavailable', 4])
    assert.equal(b.seen.length, 3)
  })

  test('what comes of a body while an instance breaks off reaches the other one, once and in order', async (t) => {
    const { b } = await startTwo(t)
    let breakOff: (() => void) | undefined
    const broken = await startSocketService(t, (socket) => {
      socket.once('data', () => {
        breakOff = () => void socket.resetAndDestroy()
      })
    })
    const url = await startGatewayTo(t, { url: [broken, b.url], routes })
    const request = send(url + path, { method: 'POST', headers: key, agent: false })
    request.write('first ')
    const connected = await until(async () => breakOff, { what: 'one instance has the beginning' })
    connected()
    request.write('second ')
    await until(async () => b.seen.length === 1, { what: 'the other one is asked' })
    request.end('third')
    const [response] = await once(request, 'response')
    await answerOf(response)
    assert.deepEqual(await b.seen[0]?.body, { text: 'first second third', whole: true })
  })

  test('one that says goodbye is not asked any more while there is another', async (t) => {
    const leaving = await startService(t, (request, response) => {
      response.setHeader('connection', 'close')
      named('leaving')(request, response)
    })
    const { b } = await startTwo(t)
    const url = await startGatewayTo(t, { url: [leaving.url, b.url], routes })
    const answers = []
    for (let turn = 0; turn < 4; turn += 1) answers.push((await ask(url, { path })).text)
    assert.deepEqual(answers, ['leaving 0', 'b 0', 'b 0', 'b 0'])
  })

  test('is ready and has its part of the document while one of them answers; keys come from any', async (t) => {
    const issuer = await startIssuer(t)
    const document = { paths: { '/api/v1/products': { get: { summary: 'all of them' } } } }
    const product = await startService(t, (_request, response) => void response.end(JSON.stringify(document)))
    const door = await startGateway(t, {
      product: `${nowhere},${product.url}`,
      jwks: `${nowhere}, ${issuer.jwksUrl}`,
      order: product.url,
    })
    const { body } = await ask(door.url, { path: '/ready' })
    assert.deepEqual([body.upstreams.product, body.upstreams.cart], ['up', 'down'])
    const merged = await ask(door.url, { path: '/openapi.json' })
    assert.equal(merged.body.paths['/api/v1/products'].get.summary, 'all of them')
    const token = await issuer.as('customer')
    assert.equal((await ask(door.url, { path: '/api/v1/orders', token })).status, 200)
  })
})

describe('a gateway that drains', () => {
  test('says that it is not ready, answers on new and kept connections, and closes them', async (t) => {
    const service = await startService(t)
    const door = await startGateway(t, { product: service.url, drainMs: 200 })
    const drained = door.drain()
    const ready = await ask(door.url, { path: '/ready' })
    assert.deepEqual([ready.status, ready.body.status], [503, 'leaving'])
    const { status, headers } = await ask(door.url, { path: '/api/v1/products', headers: { connection: 'keep-alive' } })
    assert.deepEqual([status, headers.connection], [200, 'close'])
    const page = await ask(door.url, { path: '/health', headers: { connection: 'keep-alive' } })
    assert.deepEqual([page.status, page.headers.connection], [200, 'close'], 'also what is answered at once')
    await drained
    await door.close()
    await assert.rejects(ask(door.url, { path: '/ready' }), { code: 'ECONNREFUSED' })
  })
})
