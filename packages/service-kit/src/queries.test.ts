import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Code, ConnectError } from '@connectrpc/connect'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { type FaultProxy, startFaultProxy } from '@micromart/testkit/fault-proxy'
import { until } from '@micromart/testkit/until'
import { isQueryUnavailable, queryClients, queryServer } from './queries.ts'

const nowhere = 'http://127.0.0.1:9'
const token = 'test-internal-token'

type Answer = () => { found: boolean; name: string } | Promise<never>

/** One instance of the user service; it can be ended with all its connections. */
async function startInstance(t: TestContext, answer: Answer) {
  let asked = 0
  const getContact = () => {
    asked += 1
    return answer()
  }
  const server = queryServer((router) => void router.service(UserQueries, { getContact }), token)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  const end = () => {
    server.close()
    for (const session of sessions) session.destroy()
  }
  t.after(end)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked, end }
}

const ask = (instances: readonly string[]) => {
  const client = queryClients(token)(UserQueries, instances)
  return async () => (await client.getContact({ userId: 'somebody' })).name
}
const named = (name: string) => () => ({ found: true, name })

describe('queries to several instances', () => {
  test('take turns, and go on when one ends', async (t) => {
    const [a, b] = [await startInstance(t, named('a')), await startInstance(t, named('b'))]
    const name = ask([a.url, b.url])
    assert.deepEqual([await name(), await name(), await name(), await name()], ['a', 'b', 'a', 'b'])
    a.end()
    for (let turn = 0; turn < 4; turn += 1) assert.equal(await name(), 'b')
  })

  test('one that cannot answer is replaced by another; one that refuses is not', async (t) => {
    const broken = await startInstance(t, () => Promise.reject(new ConnectError('broken', Code.Unavailable)))
    const refusing = await startInstance(t, () => Promise.reject(new ConnectError('no', Code.InvalidArgument)))
    const good = await startInstance(t, named('good'))
    assert.equal(await ask([nowhere, good.url])(), 'good')
    assert.equal(await ask([broken.url, good.url])(), 'good')
    await assert.rejects(ask([refusing.url, good.url])(), { code: Code.InvalidArgument })
    assert.deepEqual([broken.asked(), refusing.asked(), good.asked()], [1, 1, 2])
  })

  test('a single one is asked twice, and then it is said that nobody answers', async (t) => {
    const broken = await startInstance(t, () => Promise.reject(new ConnectError('broken', Code.Unavailable)))
    await assert.rejects(ask([broken.url])(), { code: Code.Unavailable })
    assert.equal(broken.asked(), 2)
  })
})

const TOKEN = 'a token that only services know'

describe('queries over a broken network', () => {
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
  const client = (token = TOKEN) => queryClients(token)(UserQueries, [`http://127.0.0.1:${proxy.port}`])

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
