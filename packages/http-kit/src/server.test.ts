import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as send } from 'node:http'
import { test } from 'node:test'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
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
