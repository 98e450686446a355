import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { queryClients } from '@micromart/service-kit/queries'
import { type HttpCall, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

describe('the user service', () => {
  let h: ServiceHarness
  before(async () => {
    h = await startServiceForTest(user, { env: { USER_DEMO_ACCOUNTS: 'true', ...signsInAtOnce }, ownKeys: true })
  })
  after(() => h.close())

  const post = (url: string, body: unknown, headers: HttpCall['headers'] = {}) =>
    h.call({ method: 'POST', url, body, headers })
  const register = (body: unknown, headers?: HttpCall['headers']) => post('/api/v1/auth/register', body, headers)
  const login = (email: string, password: string, headers?: HttpCall['headers']) =>
    post('/api/v1/auth/login', { email, password }, headers)
  const me = (token: string) => h.call({ method: 'GET', url: '/api/v1/users/me', token })
  const person = () => ({ email: `${randomUUID()}@example.com`, password: 'a good password', name: 'Åsa Öberg' })
  const setRoles = (token: string, id: string, roles: unknown) =>
    h.call({ method: 'PUT', url: `/api/v1/users/${id}/roles`, body: { roles }, token })
  const adminToken = async () => (await login('admin@micromart.test', 'micromart-demo')).body.accessToken as string
  const countUsers = async () =>
    (await h.database.query<{ count: number }>('SELECT count(*)::int AS count FROM users'))[0]?.count

  test('registers, signs in and knows who asks; the address has one spelling', async () => {
    const wish = person()
    const registered = await register({ ...wish, email: ` ${wish.email.toUpperCase()} `, name: ' Åsa Öberg ' })
    assert.equal(registered.status, 201)
    assert.equal(registered.headers.get('cache-control'), 'no-store')
    const { user: account, accessToken, ...rest } = registered.body
    assert.deepEqual(account, {
      ...{ id: account.id, email: wish.email, emailVerified: false, name: 'Åsa Öberg', roles: ['customer'] },
    })
    const { refreshToken, ...times } = rest
    assert.match(refreshToken, /^[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(times, { tokenType: 'Bearer', expiresIn: 900, refreshExpiresIn: 30 * 86_400 })
    const { locale, marketingConsent, createdAt, ...seen } = (await me(accessToken)).body
    assert.deepEqual(seen, account)
    assert.deepEqual([locale, marketingConsent, createdAt], [null, false, '2026-11-21T12:00:00.000Z'])
    const signedIn = await login(wish.email.toUpperCase(), wish.password)
    assert.equal(signedIn.status, 200)
    assert.equal(signedIn.headers.get('cache-control'), 'no-store')
    assert.equal((await me(signedIn.body.accessToken)).body.id, account.id)
  })

  test('an address has one account, also when two ask at the same moment', async () => {
    const wish = person()
    const answers = await Promise.all([register(wish), register({ ...wish, email: wish.email.toUpperCase() })])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409])
    assert.equal(answers.find(({ status }) => status === 409)?.body.code, 'user.email-taken')
  })

  test('a repeat with the same Idempotency-Key gets the same account, and its key reveals nothing', async () => {
    const wish = person()
    const headers = { 'idempotency-key': randomUUID() }
    const first = await register(wish, headers)
    const second = await register(wish, headers)
    assert.deepEqual([first.status, second.status, second.headers.get('idempotent-replayed')], [201, 201, 'true'])
    assert.deepEqual(second.body.user, first.body.user)
    assert.equal((await me(second.body.accessToken)).status, 200)
    const other = await register({ ...wish, password: 'another password' }, headers)
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key-reused'])
    const [kept] = await h.database.query<{ body: string }>('SELECT body FROM idempotency_keys WHERE key = $1', [
      headers['idempotency-key'],
    ])
    assert.deepEqual(JSON.parse(kept?.body ?? ''), first.body.user)
  })

  test('a wrong password and an unknown address get the same answer to the byte', async () => {
    const wish = person()
    await register(wish)
    const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } // the trace id is part of the answer
    const wrong = await login(wish.email, 'not the password', headers)
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'user.bad-credentials'])
    for (const email of [`${randomUUID()}@example.com`, 'not an address', 'a\u0000@b.c', '\ud800'])
      assert.equal((await login(email, 'not the password', headers)).text, wrong.text)
  })

  test('guessing is slowed down, also for accounts that do not exist', async () => {
    const known = person()
    await register(known)
    for (const email of [known.email, person().email]) {
      for (let count = 0; count < 10; count++) assert.equal((await login(email, 'guess')).status, 401)
      const stopped = await login(email, known.password)
      assert.deepEqual([stopped.status, stopped.body.code], [429, 'user.too-many-attempts'])
      assert.equal(stopped.headers.get('retry-after'), '900')
    }
  })

  test('bad input is refused with a stable code and changes nothing', async () => {
    const good = person()
    const before = await countUsers()
    const admin = await adminToken()
    const put = (id: string, body: unknown): HttpCall => ({
      method: 'PUT',
      url: `/api/v1/users/${id}/roles`,
      body,
      token: admin,
    })
    const signUp = (body: unknown): HttpCall => ({ method: 'POST', url: '/api/v1/auth/register', body })
    const signIn = (body: unknown): HttpCall => ({ method: 'POST', url: '/api/v1/auth/login', body })
    const cases: readonly [HttpCall, number, string][] = [
      [signUp({ ...good, email: 'not an address' }), 400, 'user.email-invalid'],
      [signUp({ ...good, email: 'a@b.c\r\nBcc: x@y.z' }), 400, 'user.email-invalid'],
      [signUp({ ...good, email: 'e'.repeat(321) }), 400, 'request.invalid'],
      [signUp({ ...good, email: { $ne: null } }), 400, 'request.invalid'],
      [signUp({ ...good, password: 'short' }), 400, 'request.invalid'],
      [signUp({ ...good, password: 'Password1' }), 400, 'user.password-too-common'],
      [signUp({ ...good, password: good.email }), 400, 'user.password-too-common'],
      [signUp({ ...good, password: 'x'.repeat(201) }), 400, 'request.invalid'],
      [signUp({ ...good, password: 12_345_678 }), 400, 'request.invalid'],
      [signUp({ ...good, name: '  ' }), 400, 'user.name-invalid'],
      [signUp({ ...good, name: 'a\u0000b' }), 400, 'user.name-invalid'],
      [signUp({ ...good, name: 'x'.repeat(201) }), 400, 'request.invalid'],
      [signUp({ ...good, roles: ['admin'] }), 400, 'request.invalid'],
      [signUp({}), 400, 'request.invalid'],
      [signUp([]), 400, 'request.invalid'],
      [signUp('{'), 400, 'request.malformed'],
      [signUp('{"__proto__":{"roles":["admin"]}}'), 400, 'request.malformed'],
      [{ ...signUp(good), headers: { 'idempotency-key': 'short' } }, 400, 'idempotency.key-invalid'],
      [
        { ...signUp('email=a'), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        415,
        'request.unsupported-media-type',
      ],
      [signUp({ ...good, password: 'x'.repeat(300_000) }), 413, 'request.too-large'],
      [signIn({}), 400, 'request.invalid'],
      [signIn({ email: good.email, password: '' }), 400, 'request.invalid'],
      [signIn({ email: good.email, password: ['a'] }), 400, 'request.invalid'],
      [signIn({ ...good }), 400, 'request.invalid'],
      [put('no-such-id', { roles: ['staff'] }), 404, 'user.unknown'],
      [put(randomUUID(), { roles: ['staff'] }), 404, 'user.unknown'],
      [put(randomUUID(), { roles: ['king'] }), 400, 'request.invalid'],
      [put(randomUUID(), { roles: [] }), 400, 'request.invalid'],
      [put(randomUUID(), { roles: ['staff', 'staff'] }), 400, 'request.invalid'],
      [put(randomUUID(), { roles: 'admin' }), 400, 'request.invalid'],
      [{ method: 'GET', url: '/api/v1/users/me' }, 401, 'auth.required'],
      [{ method: 'GET', url: '/api/v1/users/me', headers: { authorization: 'Basic YTpi' } }, 401, 'auth.invalid-token'],
      [{ method: 'DELETE', url: '/api/v1/users/me' }, 404, 'route.unknown'],
    ]
    for (const [call, status, code] of cases) {
      const answer = await h.call(call)
      const asked = JSON.stringify(call).slice(0, 200)
      assert.deepEqual([answer.status, answer.body?.code], [status, code], asked)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, asked)
    }
    assert.equal(await countUsers(), before)
  })

  test('only an admin gives roles; they are in the next token', async () => {
    const wish = person()
    const { body } = await register(wish)
    const { id } = body.user
    for (const token of [body.accessToken, (await login('staff@micromart.test', 'micromart-demo')).body.accessToken]) {
      const refused = await setRoles(token, id, ['admin'])
      assert.deepEqual([refused.status, refused.body.code], [403, 'auth.forbidden'])
    }
    const admin = await adminToken()
    const promoted = await setRoles(admin, id, ['admin', 'customer'])
    assert.deepEqual([promoted.status, promoted.body.roles], [200, ['customer', 'admin']])
    const promotedToken = (await login(wish.email, wish.password)).body.accessToken
    assert.equal((await setRoles(promotedToken, id, ['customer'])).status, 200)
    const rows = await h.database.query(
      'SELECT action, details FROM audit_log WHERE subject = $1 AND action = $2 ORDER BY sequence',
      [id, 'user.roles-set'],
    )
    assert.deepEqual(rows, [
      { action: 'user.roles-set', details: { roles: ['customer', 'admin'] } },
      { action: 'user.roles-set', details: { roles: ['customer'] } },
    ])
  })

  test('somebody stays admin, whoever dismisses whom at the same moment', async () => {
    const admin = await adminToken()
    const first = (await me(admin)).body.id
    const wish = person()
    const second = (await register(wish)).body.user.id
    await setRoles(admin, second, ['admin'])
    const dismissals = await Promise.all([first, second].map((id) => setRoles(admin, id, ['customer'])))
    assert.deepEqual(dismissals.map(({ status }) => status).sort(), [200, 409])
    assert.equal(dismissals.find(({ status }) => status === 409)?.body.code, 'user.last-admin')
    for (const [email, password] of [
      ['admin@micromart.test', 'micromart-demo'],
      [wish.email, wish.password],
    ] as const) {
      const { accessToken, user: account } = (await login(email, password)).body
      if (account.roles.includes('admin')) await setRoles(accessToken, first, ['customer', 'staff', 'admin'])
    }
  })

  test('other services learn a contact over gRPC, with the internal token only', async () => {
    const { user: account } = (await register(person())).body
    const contact = (token: string, userId: string) =>
      queryClients(token)(UserQueries, [h.grpcUrl]).getContact({ userId })
    const { found, name, email } = await contact(h.internalToken, account.id)
    assert.deepEqual({ found, name, email }, { found: true, name: account.name, email: account.email })
    assert.equal((await contact(h.internalToken, randomUUID())).found, false)
    assert.equal((await contact(h.internalToken, 'x')).found, false)
    await assert.rejects(() => contact('guessed', account.id), /unauthenticated/)
  })
})

test('without the flag there are no demo accounts', async () => {
  const h = await startServiceForTest(user, { ownKeys: true })
  const answer = await h.call({
    method: 'POST',
    url: '/api/v1/auth/login',
    body: { email: 'admin@micromart.test', password: 'micromart-demo' },
  })
  assert.equal(answer.status, 401)
  await h.close()
})
