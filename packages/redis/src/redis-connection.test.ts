import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { createLogger } from '@micromart/telemetry/logger'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { type RedisConnection, redisConnection, redisScript, redisUrlFaults, runScript } from './redis-connection.ts'

const server = await startRedisServer()
const redis = 'url' in server ? server : undefined
after(() => redis?.kill())

const ANSWER_WITHIN_MS = 150

function connect(t: TestContext, url = redis?.url ?? '') {
  const lines: string[] = []
  const log = createLogger({ service: 'test', destination: { write: (line) => void lines.push(line) } })
  const connection = redisConnection({ url, log, meanwhile: 'it is tested', answerWithinMs: ANSWER_WITHIN_MS })
  t.after(() => connection.close())
  const said = (text: string) => lines.filter((line) => line.includes(text)).length
  return { connection, said }
}

const isUp = (connection: RedisConnection) => until(async () => connection.isUp(), { what: 'a connection to Redis' })
const get = (connection: RedisConnection) => connection.ask((client) => client.get('a'))

describe('a connection to Redis', { skip: skipWithout(server) }, () => {
  test('one that hangs is waited for once, not by everybody; it is asked again when it goes on', async (t) => {
    const { connection, said } = connect(t)
    await isUp(connection)
    assert.equal(await get(connection), null)
    redis?.signal('SIGSTOP')
    const startedAt = performance.now()
    const answers = await Promise.all([get(connection), get(connection)])
    for (let count = 0; count < 1_000; count += 1) answers.push(await get(connection))
    assert.ok(performance.now() - startedAt < 10 * ANSWER_WITHIN_MS, 'a thousand did not wait')
    assert.ok(answers.every((answer) => answer === undefined))
    assert.equal(connection.isUp(), false)
    redis?.signal('SIGCONT')
    await isUp(connection)
    assert.equal(await get(connection), null)
    assert.deepEqual([said('Redis cannot be used: it is tested'), said('Redis is back')], [1, 1])
  })

  test('one that is killed is missed at once, and found again on the same address', async (t) => {
    const { connection, said } = connect(t)
    await isUp(connection)
    await redis?.kill()
    assert.equal(await get(connection), undefined)
    await redis?.start()
    await isUp(connection)
    assert.equal(await get(connection), null)
    assert.deepEqual([said('Redis cannot be used'), said('Redis is back')], [1, 1])
  })

  test('a connection that is dead without a word is given up for a new one', async (t) => {
    const proxy = await startFaultProxy({ upstreams: () => [{ port: redis?.port ?? 0 }] })
    t.after(() => proxy.close())
    const { connection } = connect(t, `redis://127.0.0.1:${proxy.port}`)
    await isUp(connection)
    await proxy.apply({ kind: 'half-open' })
    assert.equal(await get(connection), undefined)
    await proxy.heal()
    await until(async () => connection.isUp(), { what: 'a living connection', withinMs: 20_000 })
    assert.equal(await get(connection), null)
  })

  test('a script is known by its digest, also to a server that has never seen it', async (t) => {
    const { connection } = connect(t)
    await isUp(connection)
    const script = redisScript(`return {KEYS[1], ARGV[1]} -- ${performance.now()}`)
    const run = () => connection.ask((client) => runScript(client, script, { keys: ['k'], arguments: ['v'] }))
    for (let count = 0; count < 2; count += 1) assert.deepEqual(await run(), ['k', 'v'])
    await connection.ask((client) => client.scriptFlush())
    assert.deepEqual(await run(), ['k', 'v'])
  })

  test('a command that Redis refuses is no answer, and soon it is asked again', async (t) => {
    const { connection } = connect(t)
    await isUp(connection)
    assert.equal(await connection.ask((client) => client.eval('return redis.call("NONSENSE")')), undefined)
    await until(async () => (await get(connection)) === null, { what: 'an answer' })
  })
})

test('addresses are checked without showing them', () => {
  for (const url of ['', 'redis://host:6379', 'rediss://user:secret@host:6379/1'])
    assert.deepEqual(redisUrlFaults('REDIS_URL', url), [])
  for (const url of ['host:6379', 'http://host', 'redis:host', 'redis://', 'secret'])
    assert.deepEqual(redisUrlFaults('REDIS_URL', url), ['REDIS_URL is not redis://host:port or rediss://host:port'])
})
