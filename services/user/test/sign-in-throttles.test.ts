import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { createClient } from '@redis/client'
import { memorySignInThrottle } from '../src/adapters/memory-sign-in-throttle.ts'
import { type RedisSignInThrottle, redisSignInThrottle } from '../src/adapters/redis-sign-in-throttle.ts'
import type { SignInThrottle } from '../src/ports.ts'
import { throttleConformance } from './sign-in-throttle-conformance.ts'

const WINDOW_MS = 1_500
const ada = { email: 'ada@example.com', clientAddress: '192.0.2.1' }

const clock = fakeClock()
const inMemory = () => memorySignInThrottle({ clock, mostFailures: 3, windowMs: WINDOW_MS })

throttleConformance('memory', {
  throttle: async () => inMemory(),
  windowMs: WINDOW_MS,
  windowEnds: async () => clock.advance(WINDOW_MS),
})

const server = await startRedisServer()
const redis = 'url' in server ? server : undefined
after(() => redis?.kill())

/** Connected, unless nothing listens there. */
async function inRedis(
  options: { fallback?: SignInThrottle; log?: ReturnType<typeof silentLogger>; windowMs?: number } = {},
) {
  const seen: string[] = []
  const throttle = redisSignInThrottle({
    url: redis?.url ?? '',
    mostFailures: 3,
    fallback: inMemory(),
    windowMs: WINDOW_MS,
    log: silentLogger(),
    onReady: () => void seen.push('ready'),
    ...options,
  })
  await until(async () => seen.length > 0, { what: 'a connection to Redis' })
  return throttle
}

describe('with a Redis of its own', { skip: skipWithout(server) }, () => {
  let shared: RedisSignInThrottle
  before(async () => {
    shared = await inRedis()
  })
  after(() => shared.close())

  throttleConformance('Redis', {
    throttle: async () => shared,
    windowMs: WINDOW_MS,
    windowEnds: (isOver) => until(isOver, { what: 'the end of the window' }),
  })

  test('instances count together; keys are digests that go by themselves', async () => {
    const [one, other] = [await inRedis({ windowMs: 60_000 }), await inRedis({ windowMs: 60_000 })]
    for (const throttle of [one, other, one]) await throttle.failed(ada)
    assert.ok((await other.waitMs(ada)) > 0)
    const client = await createClient({ url: redis?.url ?? '' }).connect()
    const keys = await client.keys('*')
    assert.ok(keys.length >= 2)
    assert.ok(
      keys.every((key) => /^micromart:sign-in:(account|address):[\w-]{43}$/.test(key)),
      keys.join(),
    )
    for (const key of keys) assert.ok((await client.pTTL(key)) > 0, key)
    await client.flushAll()
    assert.equal(await one.waitMs(ada), 0)
    client.destroy()
    for (const throttle of [one, other]) throttle.close()
  })

  test('a Redis that stands still, or is gone, is waited for no longer than a moment, and said once', async () => {
    const lines: string[] = []
    const log = createLogger({ service: 'user', destination: { write: (line) => void lines.push(line) } })
    const throttle = await inRedis({ log, windowMs: 60_000 })
    const isFull = async () => {
      for (let count = 0; count < 3; count += 1) await throttle.failed(ada)
      return (await throttle.waitMs(ada)) > 0
    }
    redis?.signal('SIGSTOP')
    const startedAt = performance.now()
    assert.equal(await isFull(), true)
    assert.ok(performance.now() - startedAt < 3_000, `${performance.now() - startedAt} ms`)
    redis?.signal('SIGCONT')
    await redis?.kill()
    assert.equal((await throttle.waitMs(ada)) > 0, true)
    assert.equal(lines.filter((line) => line.includes('Redis cannot be used')).length, 1)
    await redis?.start()
    await until(async () => (await throttle.waitMs(ada)) === 0, { what: 'an empty Redis that is asked again' })
    assert.equal(lines.filter((line) => line.includes('Redis is back')).length, 1)
    assert.ok(!lines.join('').includes('ada@'))
    throttle.close()
  })
})

test('a throttle whose Redis is not there works at once, and closes', async () => {
  const throttle = redisSignInThrottle({
    url: 'redis://127.0.0.1:9',
    mostFailures: 3,
    fallback: inMemory(),
    log: silentLogger(),
  })
  for (let count = 0; count < 3; count += 1) await throttle.failed(ada)
  assert.ok((await throttle.waitMs(ada)) > 0)
  throttle.close()
})
