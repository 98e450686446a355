import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as send } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { currentContext } from '@micromart/telemetry/context'
import { CRASH_POINT_CHANNEL, type PointReached } from '@micromart/telemetry/crash-points'
import { DeadlineOver } from '@micromart/telemetry/deadline'
import { silentLogger } from '@micromart/telemetry/logger'
import { anonymous, type VerifyToken } from './identity.ts'
import { buildHttp } from './server.ts'

test('a service that leaves is not ready, answers on, and ends its connections with the answers', async (t) => {
  let leaving = false
  const http = await buildHttp({
    service: 'test',
    log: silentLogger(),
    ids: uuidV7(systemClock),
    verifyToken: async () => anonymous,
    leaving: () => leaving,
  })
  const url = await http.listen({ port: 0, host: '127.0.0.1' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => http.close().then(() => agent.destroy()))
  const ask = async (path: string) => {
    const request = send(`${url}${path}`, { agent }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await response.resume().toArray()
    return [response.statusCode, response.headers.connection, request.reusedSocket]
  }
  assert.deepEqual(await ask('/health'), [200, 'keep-alive', false])
  leaving = true
  assert.deepEqual(await ask('/health'), [200, 'close', true])
  assert.deepEqual(await ask('/ready'), [503, 'close', false])
})

test('an answer that fails on its way out is a 500, whatever it was going to say', async (t) => {
  const fail = (told: unknown) => {
    const reached = told as PointReached
    if (reached.point !== 'reply.before') return
    unsubscribe(CRASH_POINT_CHANNEL, fail) // the answer that says so goes the same way out
    reached.outcome = Promise.reject(new Error('broken'))
  }
  subscribe(CRASH_POINT_CHANNEL, fail)
  t.after(() => unsubscribe(CRASH_POINT_CHANNEL, fail))
  const http = await buildHttp({
    service: 'test',
    log: silentLogger(),
    ids: uuidV7(systemClock),
    verifyToken: async () => anonymous,
  })
  t.after(() => http.close())
  http.post('/orders', { config: { access: 'public' } }, async (_request, reply) => reply.code(201).send({ id: 1 }))
  const answer = await http.inject({ method: 'POST', url: '/orders' })
  assert.equal(answer.statusCode, 500)
  assert.equal(answer.json().code, 'service.failed')
})

describe('a request whose deadline is over', () => {
  const open = async (t: TestContext, verifyToken: VerifyToken = () => anonymous) => {
    const http = await buildHttp({ service: 'test', log: silentLogger(), ids: uuidV7(systemClock), verifyToken })
    t.after(() => http.close())
    let handled = 0
    http.post('/orders', { config: { access: 'public' } }, async () => {
      handled += 1
      return { handled }
    })
    const ask = async (headers: Record<string, string>) => {
      const answer = await http.inject({ method: 'POST', url: '/orders', headers })
      return [answer.statusCode, answer.json().code, answer.headers['retry-after']]
    }
    return { http, ask, handled: () => handled }
  }

  test('is refused before the handler begins', async (t) => {
    const { ask, handled } = await open(t)
    assert.deepEqual(await ask({ 'x-deadline-ms': '0' }), [504, 'request.deadline-over', '1'])
    assert.equal(handled(), 0)
    assert.equal((await ask({ 'x-deadline-ms': '60000' }))[0], 200)
  })

  test('is refused too when the time went by while its token was checked', async (t) => {
    const { ask, handled } = await open(t, async () => {
      while ((currentContext()?.deadline?.remainingMs() ?? 0) > 0) await new Promise(setImmediate)
      return anonymous
    })
    const headers = { 'x-deadline-ms': '2', authorization: 'Bearer slow' }
    assert.equal((await ask(headers))[1], 'request.deadline-over')
    assert.equal(handled(), 0)
  })

  test('is known by nothing but a plain number of ms within reason', async (t) => {
    const { ask, handled } = await open(t)
    const ignored = ['', '-1', '0x0', '0.0', '00 ', '1e-9', 'NaN', '300001', '9'.repeat(400), '0, 0', '\u0660']
    for (const text of ignored) assert.equal((await ask({ 'x-deadline-ms': text }))[0], 200, text)
    assert.equal(handled(), ignored.length)
  })

  test('is told as such whoever notices it; an address that nobody can read is still refused as that', async (t) => {
    const { http } = await open(t)
    http.get('/busy', { config: { access: 'public' } }, async () => {
      throw new DeadlineOver()
    })
    assert.equal((await http.inject('/busy')).json().code, 'request.deadline-over')
    const unreadable = await http.inject({ url: '/%', headers: { 'x-deadline-ms': '0' } })
    assert.equal(unreadable.json().code, 'request.malformed')
  })

  test('has none any more once it is answered: what goes on then is not cut off', async (t) => {
    const { http } = await open(t)
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    const left = Promise.withResolvers<number | undefined>()
    http.get('/later', { config: { access: 'public' } }, async () => {
      void answered.then(() => left.resolve(currentContext()?.deadline?.remainingMs()))
      return {}
    })
    await http.inject({ url: '/later', headers: { 'x-deadline-ms': '60000' } })
    resolve()
    assert.equal(await left.promise, Number.POSITIVE_INFINITY)
  })
})
