import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, type TestContext, test } from 'node:test'
import { redisConnection } from '@micromart/redis/redis-connection'
import { silentLogger } from '@micromart/telemetry/logger'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { createClient } from '@redis/client'
import { policiesOf } from './policies.ts'
import { type Asked, createRateLimiter, type RateLimiter } from './rate-limiter.ts'
import { sharedCells } from './shared-cells.ts'

const server = await startRedisServer()
const redis = 'url' in server ? server : undefined
after(() => redis?.kill())

const nowUs = () => Math.floor(performance.now() * 1_000)

/** A gateway's limiter, connected. */
async function limiterOn(t: TestContext, changes: readonly string[], answerWithinMs = 5_000) {
  const connection = redisConnection({
    url: redis?.url ?? '',
    log: silentLogger(),
    meanwhile: 'it is tested',
    answerWithinMs,
  })
  const limiter = createRateLimiter({
    policies: policiesOf(changes),
    shared: sharedCells(connection, 'test:limit:'),
    nowUs,
  })
  t.after(() => {
    limiter.close()
    connection.close()
  })
  const isUp = () => until(async () => connection.isUp(), { what: 'a connection to Redis' })
  await isUp()
  return { limiter, connection, isUp }
}

const newcomer = (limit?: Asked['limit']): Asked => ({ userId: undefined, address: randomUUID(), limit })

async function admittedOf(limiters: readonly RateLimiter[], asked: Asked, times: number): Promise<number> {
  const knocks = Array.from({ length: times }, (_, count) => limiters[count % limiters.length]?.admit(asked))
  return (await Promise.all(knocks)).filter((verdict) => verdict?.admitted).length
}

describe('limits that several gateways share', { skip: skipWithout(server) }, () => {
  test('a tight limit is exact, however many ask at the same time', async (t) => {
    const gateways = await Promise.all([1, 2, 3].map(() => limiterOn(t, ['sign-in=10/3600'])))
    const limiters = gateways.map(({ limiter }) => limiter)
    const asked = newcomer('sign-in')
    assert.equal(await admittedOf(limiters, asked, 90), 10)
    for (const limiter of limiters) {
      const verdict = await limiter.admit(asked)
      assert.ok(!verdict.admitted && verdict.retryAfterS > 300 && verdict.retryAfterS <= 360, 'one in six minutes')
    }
  })

  test('an ordinary limit: each decides at once, all hear of it, and what was too much is paid back', async (t) => {
    const quota = 50
    const gateways = await Promise.all([1, 2, 3].map(() => limiterOn(t, [`address=${quota}/3600`])))
    const limiters = gateways.map(({ limiter }) => limiter)
    const asked = newcomer()
    const first = await admittedOf(limiters.slice(0, 1), asked, 30)
    assert.equal(first, 30)
    let admitted = first
    const knockUntilAllRefuse = () =>
      until(
        async () => {
          const more = await admittedOf(limiters, asked, 3)
          admitted += more
          return more === 0
        },
        { what: 'the bucket is used up, and all know it' },
      )
    await knockUntilAllRefuse()
    assert.ok(admitted >= quota && admitted <= 3 * quota, `${admitted}: at most the quota of each`)
    assert.equal(await admittedOf(limiters, asked, 300), 0)
  })

  test('never more than a quota for each gateway and what came back', async (t) => {
    const [quota, windowS] = [20, 2]
    const gateways = await Promise.all([1, 2, 3].map(() => limiterOn(t, [`address=${quota}/${windowS}`])))
    const limiters = gateways.map(({ limiter }) => limiter)
    const asked = newcomer()
    const startedAt = performance.now()
    let admitted = 0
    await until(
      async () => {
        admitted += await admittedOf(limiters, asked, 30)
        return performance.now() - startedAt > 1_500
      },
      { what: 'a second and a half of requests' },
    )
    const seconds = (performance.now() - startedAt) / 1_000
    assert.ok(admitted <= 3 * quota + (seconds * quota) / windowS, `${admitted} in ${seconds} s`)
    assert.ok(admitted >= quota, 'and not less than one gateway alone would')
  })

  test('killed in mid-traffic it costs nobody an answer; when it is back they count together again', async (t) => {
    const [one, other] = await Promise.all([1, 2].map(() => limiterOn(t, ['sign-in=5/3600', 'address=1000/3600'])))
    assert.ok(one && other)
    const asked = newcomer('sign-in')
    assert.equal(await admittedOf([one.limiter, other.limiter], asked, 2), 2)
    await redis?.kill()
    const alone = await admittedOf([one.limiter], asked, 10)
    assert.ok(alone >= 3 && alone <= 4, `${alone}: what this one knows of`)
    assert.ok(await one.limiter.admit(newcomer()))
    await redis?.start()
    await Promise.all([one.isUp(), other.isUp()])
    const fresh = newcomer('sign-in')
    assert.equal(await admittedOf([one.limiter, other.limiter], fresh, 20), 5)
    assert.equal(await admittedOf([one.limiter], asked, 5), 0, 'what it knew itself it still knows')
  })

  test('frozen in mid-traffic: no request waits but those that were on their way', async (t) => {
    const { limiter, connection } = await limiterOn(t, ['sign-in=1000/3600', 'address=100000/3600'], 250)
    redis?.signal('SIGSTOP')
    try {
      const waiting = limiter.admit(newcomer('sign-in'))
      assert.ok(!(limiter.admit(newcomer()) instanceof Promise))
      assert.equal((await waiting).admitted, true)
      assert.equal(connection.isUp(), false)
      const startedAt = performance.now()
      for (let count = 0; count < 500; count += 1) await limiter.admit(newcomer('sign-in'))
      assert.ok(performance.now() - startedAt < 250, 'five hundred did not wait for it')
    } finally {
      redis?.signal('SIGCONT')
    }
  })

  test('flushed: quotas begin anew, nothing else', async (t) => {
    const { limiter } = await limiterOn(t, ['sign-in=5/3600'])
    const asked = newcomer('sign-in')
    assert.equal(await admittedOf([limiter], asked, 9), 5)
    await redis?.flushAll()
    const other = await limiterOn(t, ['sign-in=5/3600'])
    assert.equal(await admittedOf([other.limiter], asked, 9), 5)
  })

  test('keys are digests, and go by themselves', async (t) => {
    const { limiter } = await limiterOn(t, ['sign-in=5/60', 'address=5/60'])
    await redis?.flushAll()
    await limiter.admit({ userId: undefined, address: '203.0.113.9', limit: 'sign-in' })
    const client = await createClient({ url: redis?.url ?? '' }).connect()
    t.after(() => client.destroy())
    const keys = await until(async () => (await client.keys('*')).length === 2 && client.keys('*'), { what: 'both' })
    for (const key of keys) {
      assert.match(key, /^test:limit:(?:sign-in|address):[\w-]{22}$/)
      const leftMs = await client.pTTL(key)
      assert.ok(leftMs > 0 && leftMs <= 60_000, `${key} ${leftMs}`)
    }
  })
})
