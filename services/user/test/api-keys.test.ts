import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { jwksVerifier } from '@micromart/http-kit/identity'
import { queryClients } from '@micromart/service-kit/queries'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

const DAY_MS = 86_400_000
const traced = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } // the trace id is part of the answer

describe('API keys and the security log', () => {
  let h: ServiceHarness
  before(async () => {
    h = await startServiceForTest(user, { env: { USER_DEMO_ACCOUNTS: 'true', ...signsInAtOnce }, ownKeys: true })
  })
  after(() => h.close())

  const signIn = async (who: string) => {
    const body = { email: `${who}@micromart.test`, password: 'micromart-demo' }
    return (await h.call({ method: 'POST', url: '/api/v1/auth/login', body })).body
  }
  const make = async (who: string, body: object) =>
    h.call({ method: 'POST', url: '/api/v1/api-keys', body, token: (await signIn(who)).accessToken })
  const exchange = (apiKey: string) =>
    h.call({ method: 'POST', url: '/api/v1/auth/token', body: { apiKey }, headers: traced })
  const list = async (who: string) =>
    (await h.call({ method: 'GET', url: '/api/v1/api-keys', token: (await signIn(who)).accessToken })).body.items
  const revoke = (id: string, token: string) =>
    h.call({ method: 'DELETE', url: `/api/v1/api-keys/${id}`, token, headers: traced })
  const setRoles = async (id: string, roles: readonly string[]) =>
    h.call({
      ...{ method: 'PUT', url: `/api/v1/users/${id}/roles`, body: { roles } },
      token: (await signIn('admin')).accessToken,
    })
  const callerOf = (token: string) =>
    jwksVerifier({ jwksUrls: [`${h.url}/.well-known/jwks.json`], clock: h.clock })(token)

  test('a key is shown once, gets a short token of its scope, and opens nothing that is a person’s', async () => {
    const made = await make('staff', { name: 'Till', scopes: ['stock:write', 'stock:read'] })
    assert.deepEqual([made.status, made.headers.get('cache-control')], [201, 'no-store'])
    const { key, id } = made.body
    const kept = JSON.stringify(await h.database.query('SELECT * FROM api_keys, idempotency_keys'))
    assert.ok(!kept.includes(key.split('_').at(2)))
    const { status, body, headers } = await exchange(key)
    assert.deepEqual(
      [status, body.expiresIn, body.scope, headers.get('cache-control')],
      [200, 300, 'stock:read stock:write', 'no-store'],
    )
    assert.deepEqual(await callerOf(body.accessToken), {
      ...{ kind: 'machine', keyId: id, permissions: ['stock:read', 'stock:write'] },
    })
    for (const url of ['/api/v1/users/me', '/api/v1/users/me/sessions', '/api/v1/api-keys', '/api/v1/security-log']) {
      const refused = await h.call({ method: 'GET', url, token: body.accessToken })
      assert.deepEqual([refused.status, refused.body.code], [403, 'auth.forbidden'], url)
    }
    const [listed] = await list('staff')
    assert.deepEqual([listed.id, listed.name, listed.lastUsedAt], [id, 'Till', h.clock.now().toISOString()])
    assert.equal(listed.key, undefined)
  })

  test('whatever is wrong with a key gets the same answer to the byte', async () => {
    const { key, id } = (await make('staff', { name: 'A', scopes: ['stock:read'], expiresInDays: 1 })).body
    const revoked = (await make('staff', { name: 'B', scopes: ['stock:read'] })).body
    const token = (await signIn('staff')).accessToken
    assert.equal((await revoke(revoked.id, token)).status, 204)
    const over = await exchange(revoked.key)
    assert.deepEqual([over.status, over.body.code], [401, 'user.api-key-invalid'])
    const other = `mm_${randomUUID().replaceAll('-', '')}_${key.split('_').slice(2).join('_')}`
    const swapped = `mm_${id.replaceAll('-', '')}_${revoked.key.split('_').slice(2).join('_')}`
    for (const wrong of ['x', other, swapped, `${key} `, key.toUpperCase()])
      assert.equal((await exchange(wrong)).text, over.text, wrong)
    h.clock.advance(DAY_MS - 10_500)
    assert.equal((await exchange(key)).body.expiresIn, 10)
    h.clock.advance(10_500)
    assert.equal((await exchange(key)).text, over.text)
  })

  test('nobody makes a key that may do more than they may, and it shrinks with its owner', async () => {
    const beyond = await make('staff', { name: 'A', scopes: ['stock:read', 'security-log:read'] })
    assert.deepEqual([beyond.status, beyond.body.code], [403, 'user.scope-beyond-own'])
    assert.equal((await make('shopper', { name: 'A', scopes: ['stock:read'] })).body.code, 'auth.forbidden')
    for (const scopes of [['roles:write'], ['api-keys:write'], ['signing-keys:write'], []])
      assert.equal((await make('admin', { name: 'A', scopes })).body.code, 'request.invalid')
    const { key } = (await make('staff', { name: 'A', scopes: ['stock:read'] })).body
    const { id } = (await signIn('staff')).user
    await setRoles(id, ['customer'])
    assert.equal((await exchange(key)).body.scope, '')
    await setRoles(id, ['customer', 'staff'])
    assert.equal((await exchange(key)).body.scope, 'stock:read')
  })

  test('a key is revoked by its owner alone, and whoever checks tokens hears of it', async () => {
    const { key, id } = (await make('staff', { name: 'A', scopes: ['stock:read'] })).body
    const { accessToken: admin } = await signIn('admin')
    const absent = await revoke(randomUUID(), admin)
    assert.deepEqual([absent.status, absent.body.code], [404, 'user.api-key-unknown'])
    assert.equal((await revoke(id, admin)).text, absent.text)
    assert.equal((await exchange(key)).status, 200)
    const { accessToken: staff, user: owner } = await signIn('staff')
    assert.equal((await revoke(id, staff)).status, 204)
    assert.equal((await revoke(id, staff)).text, absent.text)
    const told = (await h.outbox()).at(-1)
    assert.equal(told?.type, 'micromart.user.sessions-ended.v1')
    assert.deepEqual([told?.data['userId'], told?.data['sessionIds']], [owner.id, [id]])
    const ended = async () =>
      (await queryClients(h.internalToken)(UserQueries, [h.grpcUrl]).listEndedSessions({})).sessions.map(
        ({ sessionId }) => sessionId,
      )
    assert.ok((await ended()).includes(id))
    h.clock.advance(361_000)
    assert.ok(!(await ended()).includes(id))
  })

  test('the gateway asks over gRPC and gets the same; whatever is wrong with a key is not good', async () => {
    const { key, id } = (await make('staff', { name: 'A', scopes: ['stock:read'] })).body
    const user = queryClients(h.internalToken)(UserQueries, [h.grpcUrl])
    for (const apiKey of ['', 'x', `${key.slice(0, -1)}!`, `mm_${'0'.repeat(32)}_${'A'.repeat(43)}`]) {
      const { good, accessToken } = await user.exchangeApiKey({ apiKey })
      assert.deepEqual([good, accessToken], [false, ''], apiKey)
    }
    const { good, accessToken, expiresIn } = await user.exchangeApiKey({ apiKey: key })
    assert.deepEqual([good, expiresIn], [true, 300])
    assert.deepEqual(await callerOf(accessToken), { kind: 'machine', keyId: id, permissions: ['stock:read'] })
    await revoke(id, (await signIn('staff')).accessToken)
    assert.equal((await user.exchangeApiKey({ apiKey: key })).good, false)
  })

  test('nobody has more than fifty good keys', async () => {
    const { user: admin } = await signIn('admin')
    await h.database.execute(
      `INSERT INTO api_keys (id, owner_id, name, digest, scopes, created_at, expires_at)
       SELECT gen_random_uuid(), $1, 'x', '', '{}', $2, $3 FROM generate_series(1, 50)`,
      [admin.id, h.clock.now(), new Date(h.clock.now().getTime() + DAY_MS)],
    )
    const full = await make('admin', { name: 'A', scopes: ['stock:read'] })
    assert.deepEqual([full.status, full.body.code], [409, 'user.too-many-api-keys'])
    h.clock.advance(DAY_MS)
    assert.equal((await make('admin', { name: 'A', scopes: ['stock:read'] })).status, 201)
  })

  test('everybody reads what happened to their own account, admins read all of it, page by page', async () => {
    const password = 'a good password'
    const body = { email: `${randomUUID()}@example.com`, password, name: 'Ada' }
    const { user: ada } = (await h.call({ method: 'POST', url: '/api/v1/auth/register', body })).body
    await h.call({ method: 'POST', url: '/api/v1/auth/login', body: { email: body.email, password: 'wrong' } })
    await setRoles(ada.id, ['staff'])
    const login = { email: body.email, password }
    const { accessToken: token } = (await h.call({ method: 'POST', url: '/api/v1/auth/login', body: login })).body
    const read = async (url: string, as: string) => h.call({ method: 'GET', url, token: as })
    const own = (await read('/api/v1/users/me/security-log', token)).body.items
    assert.deepEqual(
      own.map(({ action, actor }: { action: string; actor: string }) => [action, actor === ada.id ? 'me' : actor]),
      [
        ['user.signed-in', 'me'],
        ['user.roles-set', 'somebody of the shop'],
        ['user.sign-in-failed', 'nobody'],
        ['user.signed-in', 'me'],
      ],
    )
    assert.ok(!JSON.stringify(own).includes(body.email))
    assert.equal((await read('/api/v1/security-log', token)).body.code, 'auth.forbidden')
    const { accessToken: admin } = await signIn('admin')
    const [{ count }] = (await h.database.query('SELECT count(*)::int AS count FROM audit_log')) as [{ count: number }]
    const seen: number[] = []
    let cursor = ''
    do {
      const page = (await read(`/api/v1/security-log?limit=7${cursor}`, admin)).body
      seen.push(...page.items.map(({ sequence }: { sequence: number }) => sequence))
      cursor = page.nextCursor ? `&after=${page.nextCursor}` : ''
    } while (cursor !== '')
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, index) => count - index),
    )
    const badCursor = Buffer.from(JSON.stringify(['1 OR 1=1'])).toString('base64url')
    assert.equal((await read(`/api/v1/security-log?after=${badCursor}`, admin)).body.code, 'request.bad-cursor')
  })
})
