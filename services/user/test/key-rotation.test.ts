import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { jwksVerifier, type VerifyToken } from '@micromart/http-kit/identity'
import { uuidV7 } from '@micromart/kernel/ids'
import { createAuditLog } from '@micromart/postgres/audit-log'
import { openDatabase } from '@micromart/postgres/database'
import { migrate } from '@micromart/postgres/migrations'
import { silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { type HttpCall, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'
import { joseTokens } from '../src/adapters/jose-tokens.ts'
import { postgresSigningKeys } from '../src/adapters/postgres-signing-keys.ts'
import { openKeyRing } from '../src/key-ring.ts'
import { user } from '../src/main.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS
const TTL_S = 900

describe('rotation of the signing keys', () => {
  test('two instances rotate for months while tokens are made and checked all the time, and none is refused', async (t) => {
    const shop = await startKeyShop(t)
    const instances = [await shop.instance(), await shop.instance()]
    const verifiers = await Promise.all(instances.map(({ jwksUrl }) => shop.verifier(jwksUrl)))
    const kids = new Set<string>()
    const living: { readonly token: string; readonly expiresAt: number }[] = []
    let checked = 0

    const useThem = async () => {
      for (const { tokens } of instances) {
        const { accessToken } = await tokens.issue({ id: randomUUID(), roles: [] }, randomUUID())
        kids.add(JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).kid)
        living.push({ token: accessToken, expiresAt: shop.clock.now().getTime() + TTL_S * 1_000 })
      }
      const good = living.filter(({ expiresAt }) => expiresAt > shop.clock.now().getTime())
      living.splice(0, living.length, ...good)
      // none of them has seen the token before, so each is checked against the keys
      for (const verifier of verifiers)
        for (const { token } of good) {
          await verifier.check(token)
          checked += 1
        }
    }

    // an hour in steps of five minutes; whoever checks fetches the keys anew after ten minutes, as the kit does
    const pass = async (stepMs: number, steps: number) => {
      for (let step = 0; step < steps; step++) {
        shop.clock.advance(stepMs)
        if (step % 2 === 0) for (const verifier of verifiers) verifier.renew()
        await Promise.all(instances.map(({ looked }) => looked()))
        await useThem()
      }
    }

    await useThem()
    for (let round = 0; round < 5; round++) {
      await pass(5 * MINUTE_MS, 14)
      const [first, second] = instances
      // both are told at once while tokens are in use, or nobody is and the time has come
      const asked = round % 2 === 0 ? [first?.ring.rotate('admin'), second?.ring.rotate('admin')] : []
      await Promise.all([useThem(), ...asked, useThem()])
      shop.clock.advance(round % 2 === 0 ? 0 : 30 * DAY_MS)
      for (const verifier of verifiers) verifier.renew()
      await pass(4 * MINUTE_MS, 8)
    }
    assert.ok(checked > 1_000, `${checked} checks`)
    assert.ok(kids.size >= 5, `${kids.size} keys have signed`)
    const left = await shop.kids()
    assert.ok(left.length <= 3, `${left.length} keys are left`)
    assert.deepEqual(
      instances[0]?.ring
        .keys()
        .map(({ kid }) => kid)
        .sort(),
      instances[1]?.ring
        .keys()
        .map(({ kid }) => kid)
        .sort(),
    )
  })

  test('a key that does not wait is known before it signs, and many who ask rotate once', async (t) => {
    const shop = await startKeyShop(t)
    const { ring } = await shop.instance()
    const [before, waiting] = ring.keys()
    await Promise.all(Array.from({ length: 5 }, () => ring.rotate('admin')))
    assert.equal(ring.signer().kid, before?.kid) // the other one is too young
    shop.clock.advance(61 * MINUTE_MS)
    assert.equal(ring.signer().kid, waiting?.kid)
    assert.equal(ring.keys().length, 2)
    const { rows } = await shop.audit()
    assert.deepEqual(rows, [{ actor: 'admin', action: 'user.signing-keys-rotated', subject: waiting?.kid }])
  })
})

describe('signing keys over HTTP', () => {
  let h: ServiceHarness
  before(async () => {
    h = await startServiceForTest(user, { env: { USER_DEMO_ACCOUNTS: 'true' }, ownKeys: true })
  })
  after(() => h.close())

  const signIn = async (who: string) => {
    const body = { email: `${who}@micromart.test`, password: 'micromart-demo' }
    return (await h.call({ method: 'POST', url: '/api/v1/auth/login', body })).body.accessToken as string
  }
  const rotate = async (who: string, body?: unknown): Promise<HttpCall> => ({
    ...{ method: 'POST', url: '/api/v1/signing-keys/rotate', token: await signIn(who) },
    ...(body === undefined ? {} : { body }),
  })

  test('an admin rotates, nobody else does, and nothing private is told', async () => {
    for (const who of ['staff', 'shopper']) assert.equal((await h.call(await rotate(who))).body.code, 'auth.forbidden')
    assert.equal((await h.call(await rotate('admin', { now: true }))).body.code, 'request.invalid')
    const listed = await h.call({ method: 'GET', url: '/api/v1/signing-keys', token: await signIn('admin') })
    const [signing, waiting] = listed.body.items
    assert.deepEqual([signing.state, waiting.state, waiting.signsFrom], ['signing', 'waiting', null])
    const old = await signIn('admin')
    h.clock.advance(2 * 60 * MINUTE_MS)
    const rotated = await h.call(await rotate('admin'))
    assert.deepEqual(
      rotated.body.items.map(({ kid, state }: { kid: string; state: string }) => [kid, state]).slice(0, 1),
      [[waiting.kid, 'signing']],
    )
    assert.deepEqual(rotated.body.items.map(({ state }: { state: string }) => state).sort(), [
      'retired',
      'signing',
      'waiting',
    ])
    for (const { text } of [listed, rotated]) assert.doesNotMatch(text, /"d"|private/)
    const me = (token: string) => h.call({ method: 'GET', url: '/api/v1/users/me', token })
    assert.equal((await me(old)).status, 401) // two hours old
    assert.equal((await me(await signIn('shopper'))).status, 200)
  })
})

async function startKeyShop(t: TestContext) {
  const testDatabase = await createTestDatabase()
  const database = openDatabase({ url: testDatabase.url, poolSize: 4 })
  await migrate(database, new URL('../migrations/', import.meta.url))
  const clock = fakeClock()
  const ids = uuidV7(clock)
  const closers: (() => void)[] = []
  t.after(async () => {
    for (const close of closers) close()
    await database.close()
    await testDatabase.drop()
  })

  const instance = async () => {
    const store = postgresSigningKeys({ database, clock })
    let looks = 0
    const list = async () => {
      const keys = await store.list()
      looks += 1
      return keys
    }
    const ring = await openKeyRing({
      ...{
        database,
        store: { ...store, list },
        clock,
        audit: createAuditLog({ clock }),
        log: silentLogger(),
        readEveryMs: 5,
      },
      limits: { rotateEveryMs: 30 * DAY_MS, aheadMs: 60 * MINUTE_MS, keptMs: TTL_S * 1_000 + 10 * MINUTE_MS },
    })
    const tokens = joseTokens({ ring, clock, ids, ttlS: TTL_S })
    const server = createServer((_request, response) => response.end(JSON.stringify(tokens.jwks())))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    closers.push(() => {
      ring.close()
      server.close().closeAllConnections()
    })
    /** Has read the table, wholly, since it was asked. */
    const looked = () => {
      const begun = looks
      return until(async () => looks >= begun + 2, { what: 'the instance looks' })
    }
    return { ring, tokens, looked, jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
  }

  const verifier = async (jwksUrl: string) => {
    const make = (): VerifyToken => jwksVerifier({ jwksUrls: [jwksUrl], clock })
    let verify = make()
    return {
      check: async (token: string) => verify(token),
      renew: () => {
        verify = make()
      },
    }
  }

  return {
    clock,
    instance,
    verifier,
    kids: () => database.query<{ kid: string }>('SELECT kid FROM signing_keys'),
    audit: async () => ({
      rows: await database.query('SELECT actor, action, subject FROM audit_log ORDER BY sequence'),
    }),
  }
}
