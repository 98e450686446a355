import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { queryClients } from '@micromart/service-kit/queries'
import { type HttpCall, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { postgresSessions } from '../src/adapters/postgres-sessions.ts'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

const DAY_MS = 86_400_000
const PASSWORD = 'a good password'

interface SignedIn {
  readonly user: { readonly id: string; readonly email: string; readonly roles: readonly string[] }
  readonly accessToken: string
  readonly refreshToken: string
  readonly refreshExpiresIn: number
}

describe('sessions', () => {
  let h: ServiceHarness
  before(async () => {
    h = await startServiceForTest(user, { env: { USER_DEMO_ACCOUNTS: 'true', ...signsInAtOnce }, ownKeys: true })
  })
  after(() => h.close())

  const post = (url: string, body?: unknown, options: Partial<HttpCall> = {}) =>
    h.call({ method: 'POST', url, body, ...options })
  const person = async (): Promise<SignedIn> => {
    const body = { email: `${randomUUID()}@example.com`, password: PASSWORD, name: 'Ada' }
    return (await post('/api/v1/auth/register', body)).body
  }
  const login = async (email: string, userAgent = 'test'): Promise<SignedIn> =>
    (await post('/api/v1/auth/login', { email, password: PASSWORD }, { headers: { 'user-agent': userAgent } })).body
  const refresh = (refreshToken: string) =>
    post(
      '/api/v1/auth/refresh',
      { refreshToken },
      { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } },
    )
  const next = async (refreshToken: string): Promise<SignedIn> => {
    const { status, body } = await refresh(refreshToken)
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }
  const isOver = async (refreshToken: string) => {
    const { status, body } = await refresh(refreshToken)
    assert.deepEqual([status, body.code], [401, 'user.refresh-token-invalid'])
  }
  const sessionsOf = async (token: string) =>
    (await h.call({ method: 'GET', url: '/api/v1/users/me/sessions', token })).body.items
  const auditOf = async (userId: string) =>
    (
      await h.database.query<{ action: string }>('SELECT action FROM audit_log WHERE subject = $1 ORDER BY sequence', [
        userId,
      ])
    ).map(({ action }) => action)

  test('a refresh token gives new tokens, once; nothing but digests is kept', async () => {
    const first = await person()
    const answer = await refresh(first.refreshToken)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    const second: SignedIn = answer.body
    assert.deepEqual(second.user, first.user)
    assert.notEqual(second.refreshToken, first.refreshToken)
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/users/me', token: second.accessToken })).status, 200)
    const kept = JSON.stringify(await h.database.query('SELECT * FROM refresh_tokens, sessions'))
    for (const token of [first.refreshToken, second.refreshToken]) assert.ok(!kept.includes(token))
  })

  test('a token that was used long ago ends the session for everybody who holds one', async () => {
    const stolen = await person()
    const own = await next(stolen.refreshToken)
    h.clock.advance(11_000)
    const [other] = [await login(own.user.email)]
    await isOver(stolen.refreshToken)
    await isOver(own.refreshToken)
    assert.equal((await refresh(other?.refreshToken ?? '')).status, 200) // another device is another session
    assert.ok((await auditOf(own.user.id)).includes('user.refresh-token-reused'))
  })

  test('one repeat within seconds gets an equally good successor, a second repeat ends the session', async () => {
    const { refreshToken } = await person()
    const one = await next(refreshToken)
    h.clock.advance(9_000)
    const two = await next(refreshToken)
    assert.equal((await refresh(one.refreshToken)).status, 200)
    assert.equal((await refresh(two.refreshToken)).status, 200)
    await isOver(refreshToken)
    await isOver(one.refreshToken)
  })

  test('of two successors one is used: the other ends the session, for somebody else holds it', async () => {
    const { refreshToken } = await person()
    const [own, stolen] = [await next(refreshToken), await next(refreshToken)]
    const later = await next(own.refreshToken)
    h.clock.advance(11_000)
    await isOver(stolen.refreshToken)
    await isOver(later.refreshToken)
  })

  test('many who use one token at the same moment: two are answered and the session ends', async () => {
    for (let round = 0; round < 5; round++) {
      const { refreshToken, user: account } = await person()
      const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)))
      const good = answers.filter(({ status }) => status === 200)
      assert.equal(good.length, 2)
      assert.ok(answers.every(({ status, body }) => status === 200 || body.code === 'user.refresh-token-invalid'))
      for (const { body } of good) await isOver(body.refreshToken)
      const reused = (await auditOf(account.id)).filter((action) => action === 'user.refresh-token-reused')
      assert.equal(reused.length, 1)
    }
  })

  test('two at the same moment: both are answered, and both answers are good', async () => {
    for (let round = 0; round < 5; round++) {
      const { refreshToken } = await person()
      const [one, two] = await Promise.all([refresh(refreshToken), refresh(refreshToken)])
      assert.deepEqual([one.status, two.status], [200, 200])
      assert.equal((await refresh(one.body.refreshToken)).status, 200)
      assert.equal((await refresh(two.body.refreshToken)).status, 200)
    }
  })

  test('a session is over when it was not used for 30 days, and after 90 days however it is used', async () => {
    const idle = await person()
    const used = await person()
    h.clock.advance(29 * DAY_MS)
    let current = await next(used.refreshToken)
    h.clock.advance(DAY_MS)
    await isOver(idle.refreshToken)
    h.clock.advance(28 * DAY_MS)
    current = await next(current.refreshToken)
    h.clock.advance(27 * DAY_MS)
    current = await next(current.refreshToken)
    assert.equal(current.refreshExpiresIn, 5 * 86_400)
    h.clock.advance(5 * DAY_MS)
    await isOver(current.refreshToken)
  })

  test('what is no token of ours gets the same answer to the byte as one that is over', async () => {
    const { refreshToken, accessToken } = await person()
    assert.equal((await post('/api/v1/auth/logout', {}, { token: accessToken })).status, 204)
    const over = await refresh(refreshToken)
    assert.deepEqual([over.status, over.body.code], [401, 'user.refresh-token-invalid'])
    for (const token of ['x', 'x'.repeat(200), '\u0000', "' OR 1=1", refreshToken.slice(1), refreshToken.toLowerCase()])
      assert.equal((await refresh(token)).text, over.text)
    for (const body of [{}, { refreshToken: '' }, { refreshToken: 'x'.repeat(201) }, { refreshToken: [refreshToken] }])
      assert.equal((await post('/api/v1/auth/refresh', body)).body.code, 'request.invalid')
  })

  test('logout ends one session, by its refresh token or by the access token; again is no fault', async () => {
    const first = await person()
    const second = await login(first.user.email)
    for (let count = 0; count < 2; count++)
      assert.equal((await post('/api/v1/auth/logout', { refreshToken: first.refreshToken })).status, 204)
    await isOver(first.refreshToken)
    const renewed = await next(second.refreshToken)
    assert.equal((await post('/api/v1/auth/logout', undefined, { token: renewed.accessToken })).status, 204)
    await isOver(renewed.refreshToken)
    assert.equal((await auditOf(first.user.id)).filter((action) => action === 'user.signed-out').length, 2)
    const nobody = await post('/api/v1/auth/logout')
    assert.deepEqual([nobody.status, nobody.body.code], [401, 'auth.required'])
    const unknown = await post('/api/v1/auth/logout', { refreshToken: 'x' })
    assert.deepEqual([unknown.status, unknown.body.code], [401, 'user.refresh-token-invalid'])
  })

  test('logout everywhere ends all of mine and nobody else’s', async () => {
    const first = await person()
    const stranger = await person()
    const second = await login(first.user.email)
    assert.equal((await post('/api/v1/auth/logout-everywhere', undefined, { token: second.accessToken })).status, 204)
    await isOver(first.refreshToken)
    await isOver(second.refreshToken)
    assert.equal((await refresh(stranger.refreshToken)).status, 200)
    assert.equal((await login(first.user.email)).user.id, first.user.id)
  })

  test('everybody sees their own sessions and can end each', async () => {
    const phone = await person()
    h.clock.advance(1_000)
    const laptop = await login(phone.user.email, 'Laptop/1.0 \u00ff')
    const listed = await sessionsOf(laptop.accessToken)
    assert.deepEqual(
      listed.map(({ userAgent, isCurrent }: { userAgent: string; isCurrent: boolean }) => [userAgent, isCurrent]),
      [
        ['Laptop/1.0', true],
        ['node', false],
      ],
    )
    const [, other] = listed
    assert.equal(Date.parse(other.expiresAt) - Date.parse(other.createdAt), 90 * DAY_MS)
    const end = (id: string, token: string) =>
      h.call({
        ...{ method: 'DELETE', url: `/api/v1/users/me/sessions/${id}`, token },
        headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      })
    const stranger = await person()
    const absent = await end(randomUUID(), stranger.accessToken)
    assert.deepEqual([absent.status, absent.body.code], [404, 'user.session-unknown'])
    for (const id of [other.id, 'x', '%00']) assert.equal((await end(id, stranger.accessToken)).text, absent.text) // not yours looks as if it were not there
    assert.equal((await refresh(phone.refreshToken)).status, 200)
    assert.equal((await end(other.id, laptop.accessToken)).status, 204)
    assert.equal((await end(other.id, laptop.accessToken)).text, absent.text)
    await isOver(phone.refreshToken)
    assert.equal((await sessionsOf(laptop.accessToken)).length, 1)
    assert.ok((await auditOf(phone.user.id)).includes('user.session-revoked'))
  })

  test('what ends other sessions needs a recent sign-in, or the password once more', async () => {
    const thief = await person()
    h.clock.advance(1_000)
    const phone = await login(thief.user.email)
    const ids: readonly string[] = (await sessionsOf(thief.accessToken)).map(({ id }: { id: string }) => id)
    const [phoneId = '', ownId = ''] = ids
    h.clock.advance(600_000)
    const { accessToken: token } = await next(thief.refreshToken) // a session goes on, but nobody has shown who they are
    const prove = (password: string) => post('/api/v1/users/me/reauthentication', { password }, { token })
    const end = (id: string) => h.call({ method: 'DELETE', url: `/api/v1/users/me/sessions/${id}`, token })
    const everywhere = () => post('/api/v1/auth/logout-everywhere', undefined, { token })
    const refused = [await end(phoneId), await end(randomUUID()), await everywhere()]
    for (const { status, body } of refused) assert.deepEqual([status, body.code], [403, 'user.sign-in-not-recent'])
    const wrong = await prove('not the password')
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'user.wrong-password'])
    assert.equal((await end(phoneId)).status, 403)
    assert.equal((await refresh(phone.refreshToken)).status, 200)
    assert.equal((await prove(PASSWORD)).status, 204)
    assert.equal((await end(phoneId)).status, 204)
    h.clock.advance(601_000)
    assert.equal((await everywhere()).body.code, 'user.sign-in-not-recent')
    assert.equal((await end(ownId)).status, 204, 'one leaves one’s own session at any time')
    assert.equal((await prove(PASSWORD)).body.code, 'user.session-unknown')
    const audited = await auditOf(thief.user.id)
    assert.deepEqual(
      audited.filter((action) => action.includes('reauth')),
      ['user.reauthentication-failed', 'user.reauthenticated'],
    )
  })

  test('the password of one session is not that of another', async () => {
    const first = await person()
    h.clock.advance(601_000)
    const second = await login(first.user.email)
    const { accessToken: token } = await next(first.refreshToken)
    assert.equal((await post('/api/v1/auth/logout-everywhere', undefined, { token })).status, 403)
    const recent = await post('/api/v1/auth/logout-everywhere', undefined, { token: second.accessToken })
    assert.equal(recent.status, 204)
    await isOver(second.refreshToken)
  })

  test('staff end all sessions of somebody, and it is written down who did', async () => {
    const signIn = async (name: string): Promise<SignedIn> =>
      (await post('/api/v1/auth/login', { email: `${name}@micromart.test`, password: 'micromart-demo' })).body
    const [staff, taken, other] = [await signIn('staff'), await person(), await person()]
    await login(taken.user.email)
    const end = (id: string, token: string) => h.call({ method: 'DELETE', url: `/api/v1/users/${id}/sessions`, token })
    const forbidden = await end(taken.user.id, other.accessToken)
    assert.deepEqual([forbidden.status, forbidden.body.code], [403, 'auth.forbidden'])
    for (const id of [randomUUID(), 'x']) assert.deepEqual((await end(id, staff.accessToken)).body.code, 'user.unknown')
    assert.equal((await end(taken.user.id, staff.accessToken)).status, 204)
    await isOver(taken.refreshToken)
    assert.deepEqual(await sessionsOf(taken.accessToken), [])
    assert.equal((await refresh(other.refreshToken)).status, 200)
    const heard = (await h.outbox()).filter(({ data }) => data['userId'] === taken.user.id && data['sessionIds'])
    assert.deepEqual(
      heard.map(({ data }) => Object(data['sessionIds']).length),
      [2],
    )
    const rows = await h.database.query(`SELECT actor, details FROM audit_log WHERE subject = $1 AND action = $2`, [
      taken.user.id,
      'user.sessions-ended',
    ])
    assert.deepEqual(rows, [{ actor: staff.user.id, details: {} }])
    assert.equal((await login(taken.user.email)).user.id, taken.user.id)
  })

  test('whoever checks access tokens hears which sessions have ended, and can ask', async () => {
    const { user: account, refreshToken } = await person()
    h.clock.advance(1_000)
    const { accessToken } = await login(account.email)
    const ids: readonly string[] = (await sessionsOf(accessToken)).map(({ id }: { id: string }) => id)
    const [own] = ids
    await post('/api/v1/auth/logout', undefined, { token: accessToken })
    const heard = async () =>
      (await h.outbox()).filter(({ type, data }) => type.includes('sessions') && data['userId'] === account.id)
    const tokensExpireAt = new Date(h.clock.now().getTime() + 960_000).toISOString()
    assert.deepEqual(await heard(), [
      {
        ...{ type: 'micromart.user.sessions-ended.v1' },
        data: { userId: account.id, sessionIds: [own], tokensExpireAt },
      },
    ])
    const ended = async () => {
      const { sessions } = await queryClients(h.internalToken)(UserQueries, [h.grpcUrl]).listEndedSessions({})
      return sessions.filter(({ sessionId }) => ids.includes(sessionId))
    }
    const asked = await ended()
    assert.deepEqual(
      asked.map((session) => [session.sessionId, session.tokensExpireAt]),
      [[own, tokensExpireAt]],
    )
    assert.equal((await refresh(refreshToken)).status, 200) // the other one goes on
    h.clock.advance(961_000)
    assert.deepEqual(await ended(), [])
  })

  test('somebody whose roles change is signed out, and has the new ones when back', async () => {
    const admin: SignedIn = (
      await post('/api/v1/auth/login', { email: 'admin@micromart.test', password: 'micromart-demo' })
    ).body
    const promoted = await person()
    const url = `/api/v1/users/${promoted.user.id}/roles`
    const answer = await h.call({ method: 'PUT', url, body: { roles: ['staff'] }, token: admin.accessToken })
    assert.equal(answer.status, 200)
    await isOver(promoted.refreshToken)
    assert.deepEqual((await login(promoted.user.email)).user.roles, ['staff'])
  })

  test('who signs in on very many devices loses the one that was not used for longest', async () => {
    const first = await person()
    h.clock.advance(1_000)
    const { id, email } = first.user
    const kept = await login(email)
    await h.database.execute(
      `INSERT INTO sessions (id, user_id, user_agent, created_at, last_used_at, expires_at)
       SELECT gen_random_uuid(), $1, '', $2, $2, $3 FROM generate_series(1, 98)`,
      [id, new Date(h.clock.now().getTime() + 1), new Date(h.clock.now().getTime() + DAY_MS)],
    )
    const last = await login(email)
    assert.equal((await sessionsOf(last.accessToken)).length, 100)
    await isOver(first.refreshToken)
    assert.equal((await refresh(kept.refreshToken)).status, 200)
  })

  test('what was over for long is removed, and what may still be used or stolen stays', async () => {
    const store = postgresSessions(h.database)
    const over = await person()
    const used = await person()
    const renewed = await next(used.refreshToken)
    h.clock.advance(DAY_MS)
    const ended = await person()
    await post('/api/v1/auth/logout', { refreshToken: ended.refreshToken })
    const last = await next(renewed.refreshToken)
    const rowsOf = async ({ user: { id } }: SignedIn) =>
      (
        await h.database.query<{ sessions: number; tokens: number }>(
          `SELECT count(DISTINCT s.id)::int AS sessions, count(*)::int AS tokens
           FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE s.user_id = $1`,
          [id],
        )
      )[0]
    await store.forget(new Date(h.clock.now().getTime() - 1))
    assert.deepEqual(await rowsOf(over), { sessions: 0, tokens: 0 })
    assert.deepEqual(await rowsOf(used), { sessions: 1, tokens: 2 })
    assert.deepEqual(await rowsOf(ended), { sessions: 1, tokens: 1 })
    h.clock.advance(11_000)
    await isOver(renewed.refreshToken)
    await isOver(last.refreshToken)
    await store.forget(new Date(h.clock.now().getTime() + 1))
    assert.deepEqual(await h.database.query('SELECT digest FROM refresh_tokens'), [])
  })

  test('a failed sign-in is noted with the account if there is one, and with nothing else', async () => {
    const { user: account } = await person()
    const tried = [account.email, `${randomUUID()}@example.com`]
    for (const email of tried) await post('/api/v1/auth/login', { email, password: 'a wrong password' })
    const rows = await h.database.query(
      `SELECT actor, subject, details FROM audit_log WHERE action = 'user.sign-in-failed' ORDER BY sequence`,
    )
    assert.deepEqual(rows, [
      { actor: 'nobody', subject: account.id, details: {} },
      { actor: 'nobody', subject: 'nobody', details: {} },
    ])
  })
})
