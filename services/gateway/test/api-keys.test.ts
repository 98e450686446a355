import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { broadcasts, topology } from '@micromart/contracts/topology'
import { SessionsEnded } from '@micromart/contracts/user-sessions'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { until } from '@micromart/testkit/until'
import { ask, clock, nowhere, startGateway, startIssuer, startService } from './gateway-harness.ts'
import { startUser } from './user-stand-in.ts'

const MOVEMENTS = '/api/v1/inventory/MUG/movements'

const newKey = () => `mm_${randomUUID().replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`

/** A gateway before inventory and a user service that knows one key, which may read stock. */
async function start(t: TestContext, given: Readonly<Record<string, string>> = {}) {
  const broker = createMemoryBroker({ topology, broadcasts })
  t.after(() => broker.close())
  const [user, issuer, inventory] = [await startUser(t), await startIssuer(t), await startService(t)]
  const [key, id] = [newKey(), randomUUID()]
  const accessToken = await issuer.sign({ claims: { client_id: id, sub: id, scope: 'stock:read' } })
  user.tokens.set(key, accessToken)
  const door = await startGateway(t, {
    ...{ inventory: inventory.url, user: inventory.url, jwks: issuer.jwksUrl, broker },
    given: { USER_GRPC_URL: user.url, ...given },
  })
  await until(async () => user.asked >= 2, { what: 'the gateway listens' })
  const show = async (token: string, path = MOVEMENTS) => {
    const { status, body, headers } = await ask(door.url, { path, token })
    return { status, code: body?.code, headers }
  }
  return { broker, user, issuer, inventory, door, key, id, accessToken, show }
}

describe('an API key that is shown to the gateway', { timeout: 60_000 }, () => {
  test('is refused when user does not know it, is counted as a bad token, and reaches nobody', async (t) => {
    const { user, inventory, show } = await start(t, { RATE_LIMITS: 'bad-token=3/600' })
    const wrong = newKey()
    for (const token of [wrong, wrong, 'mm_x']) {
      const { status, code, headers } = await show(token)
      assert.deepEqual([status, code, headers['www-authenticate']], [401, 'auth.invalid-token', 'Bearer'])
    }
    assert.equal(user.exchanged, 1)
    const { status, code } = await show(newKey())
    assert.deepEqual([status, code], [429, 'rate-limit.exceeded'])
    assert.equal(user.exchanged, 1, 'nobody guesses on at the cost of user')
    assert.equal(inventory.seen.length, 0)
  })

  test('is still let in from where too many bad ones came, once it is known', async (t) => {
    const { key, show } = await start(t, { RATE_LIMITS: 'bad-token=1/600' })
    assert.equal((await show(key)).status, 200)
    assert.equal((await show(newKey())).status, 401)
    assert.equal((await show(newKey())).status, 429)
    assert.equal((await show(key)).status, 200)
  })

  test('gets 503 with Retry-After while user is away, is not counted as bad, and works when it was known', async (t) => {
    const { user, key, show } = await start(t, { RATE_LIMITS: 'bad-token=1/600' })
    assert.equal((await show(key)).status, 200)
    user.stop()
    for (let count = 0; count < 3; count += 1) {
      const { status, code, headers } = await show(newKey())
      assert.deepEqual([status, code, headers['retry-after']], [503, 'auth.unavailable', '1'])
    }
    assert.equal((await show(key)).status, 200)
  })

  test('is exchanged once, and the service sees the access token and never the key', async (t) => {
    const { user, inventory, key, accessToken, show } = await start(t)
    const answers = await Promise.all(Array.from({ length: 20 }, () => show(key)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal((await show(key)).status, 200)
    assert.equal(user.exchanged, 1)
    assert.equal(inventory.seen.length, 21)
    for (const { headers } of inventory.seen) {
      assert.equal(headers.authorization, `Bearer ${accessToken}`)
      assert.ok(!JSON.stringify(headers).includes(key))
    }
  })

  test('opens what its scope opens, nothing that is a person’s, and is checked on open routes too', async (t) => {
    const { key, show } = await start(t)
    assert.equal((await show(key, '/api/v1/analytics/sales')).code, 'auth.forbidden')
    assert.equal((await show(key, '/api/v1/users/me')).code, 'auth.forbidden')
    assert.equal((await show(newKey(), '/api/v1/inventory/MUG')).status, 401)
    assert.equal((await show(key, '/api/v1/inventory/MUG')).status, 200)
  })

  test('is counted by its own id, as its access token is', async (t) => {
    const { key, accessToken, show } = await start(t, { RATE_LIMITS: 'user=2/600' })
    assert.equal((await show(key)).status, 200)
    assert.equal((await show(accessToken)).status, 200)
    assert.equal((await show(key)).status, 429)
  })

  test('stops at once when it is revoked', async (t) => {
    const { broker, user, inventory, key, id, show } = await start(t)
    assert.equal((await show(key)).status, 200)
    user.tokens.delete(key)
    const tokensExpireAt = new Date(clock.now().getTime() + 360_000).toISOString()
    const told = broker.publish([
      {
        ...{ specversion: '1.0', id: randomUUID(), source: '/user', type: SessionsEnded.type, subject: id },
        ...{ time: clock.now().toISOString(), datacontenttype: 'application/json', dataschema: '' },
        ...{ correlationid: '', causationid: '', traceparent: '' },
        data: { userId: randomUUID(), sessionIds: [id], tokensExpireAt },
      },
    ])
    assert.equal((await told[0])?.confirmed, true)
    await until(async () => (await show(key)).status === 401, { what: 'it is refused' })
    const seen = inventory.seen.length
    const { status, code } = await show(key)
    assert.deepEqual([status, code], [401, 'auth.invalid-token'])
    assert.equal(inventory.seen.length, seen)
  })
})

test('a gateway whose user service was never there lets tokens in, and asks keys to wait', async (t) => {
  const [issuer, inventory] = [await startIssuer(t), await startService(t)]
  const given = { USER_GRPC_URL: nowhere }
  const door = await startGateway(t, { inventory: inventory.url, jwks: issuer.jwksUrl, given })
  const token = await issuer.sign({ claims: { roles: ['staff'] } })
  assert.equal((await ask(door.url, { path: MOVEMENTS, token })).status, 200)
  assert.equal((await ask(door.url, { path: MOVEMENTS, token: newKey() })).status, 503)
})
