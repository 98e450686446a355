import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as send } from 'node:http'
import { test } from 'node:test'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { CRASH_POINT_CHANNEL, type PointReached } from '@micromart/telemetry/crash-points'
import { silentLogger } from '@micromart/telemetry/logger'
import { anonymous } from './identity.ts'
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
