import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { type FaultProxy, startFaultProxy } from '@micromart/testkit/fault-proxy'
import { until } from '@micromart/testkit/until'
import { isQueryUnavailable, queryClients, queryServer } from './queries.ts'

const TOKEN = 'a token that only services know'

describe('queries', () => {
  const server = queryServer((router) => {
    router.service(UserQueries, { getContact: ({ userId }) => ({ found: true, name: userId, email: 'a@example.com' }) })
  }, TOKEN)
  const sessions = new Set<{ destroy(): void }>()
  let proxy: FaultProxy

  before(async () => {
    server.on('session', (session) => sessions.add(session))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    proxy = await startFaultProxy({ upstreams: () => [{ port }] })
  })
  after(async () => {
    await proxy.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  const client = (token = TOKEN) => queryClients(token)(UserQueries, `http://127.0.0.1:${proxy.port}`)

  test('are answered to those who know the token, and to nobody else', async () => {
    assert.equal((await client().getContact({ userId: 'ada' })).name, 'ada')
    await assert.rejects(client('another').getContact({ userId: 'ada' }), (error) => !isQueryUnavailable(error))
  })

  for (const kind of ['half-open', 'refuse', 'partition'] as const)
    test(`are answered again after the network was broken: ${kind}`, async () => {
      const user = client()
      await user.getContact({ userId: 'ada' })
      await proxy.apply({ kind })
      if (kind === 'refuse') proxy.reset()
      await assert.rejects(user.getContact({ userId: 'ada' }), isQueryUnavailable)
      await proxy.heal()
      const answered = async () =>
        user.getContact({ userId: 'ada' }).then(
          ({ name }) => name === 'ada',
          () => false,
        )
      await until(answered, { withinMs: 8_000, what: 'the old client gets an answer on a new connection' })
    })
})
