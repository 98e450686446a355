import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { authenticatorApp } from '@micromart/testkit/authenticator-app'
import { type HttpCall, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

const ME = '/api/v1/users/me/second-factor'
const PASSWORD = 'correct-horse-battery'
const STEP_MS = 30_000
const HOUR_MS = 3_600_000

describe('the second factor', () => {
  let h: ServiceHarness
  before(async () => {
    const env = { USER_SECRETS_KEY: randomBytes(32).toString('base64url'), USER_TOKEN_TTL_S: '86400', ...signsInAtOnce }
    h = await startServiceForTest(user, { env, ownKeys: true })
  })
  after(() => h.close())

  const post = (url: string, body: unknown, rest: Partial<HttpCall> = {}) =>
    h.call({ method: 'POST', url, body, ...rest })
  const login = (email: string, password = PASSWORD, headers: Record<string, string> = {}) =>
    post('/api/v1/auth/login', { email, password }, { headers })
  const complete = (challenge: string, code: string) => post('/api/v1/auth/login/second-factor', { challenge, code })
  const me = (token: string) => h.call({ method: 'GET', url: '/api/v1/users/me', token })
  const auditOf = (userId: string) =>
    h.database.query<{ action: string; actor: string; details: object }>(
      `SELECT action, actor, details FROM audit_log WHERE subject = $1 AND action LIKE 'user.%' AND action NOT LIKE 'user.sign%' ORDER BY sequence`,
      [userId],
    )
  const lastAction = async (userId: string) => (await auditOf(userId)).at(-1)?.action
  const codeOf = ({ status, body }: { status: number; body?: { code?: string } }) => [status, body?.code]

  const somebody = async () => {
    const email = `${randomUUID()}@example.com`
    const { body } = await post('/api/v1/auth/register', { email, password: PASSWORD, name: 'Ada' })
    const token = body.accessToken as string
    return { email, token, id: body.user.id as string }
  }
  const enrol = (token: string, password = PASSWORD) => post(`${ME}/totp`, { password }, { token })
  const confirm = (token: string, code: string) => post(`${ME}/totp/confirm`, { code }, { token })
  const status = async (token: string) => (await h.call({ method: 'GET', url: ME, token })).body

  /** Somebody with an app; the next code is good at once. */
  const protectedAccount = async () => {
    const ada = await somebody()
    const app = authenticatorApp({ secret: (await enrol(ada.token)).body.secret, clock: h.clock })
    const { body } = await confirm(ada.token, app.code())
    h.clock.advance(STEP_MS)
    return { ...ada, app, codes: body.recoveryCodes as string[] }
  }
  const challengeOf = async (email: string) => (await login(email)).body.challenge as string

  test('counts from the first right code on, and not before', async () => {
    const ada = await somebody()
    assert.deepEqual(await status(ada.token), { isOn: false, recoveryCodesLeft: 0 })
    const offered = await enrol(ada.token)
    assert.deepEqual([offered.status, offered.headers.get('cache-control')], [201, 'no-store'])
    const { secret, uri } = offered.body
    assert.match(secret, /^[A-Z2-7]{32}$/)
    const asked = new URL(uri)
    assert.equal(asked.href.split('?')[0], `otpauth://totp/MicroMart:${encodeURIComponent(ada.email)}`)
    assert.equal(asked.searchParams.get('secret'), secret)
    assert.equal((await login(ada.email)).status, 200)
    const app = authenticatorApp({ secret, clock: h.clock })
    assert.deepEqual(codeOf(await confirm(ada.token, app.wrongCode())), [403, 'user.second-factor-wrong'])
    assert.equal((await login(ada.email)).status, 200)
    const confirmed = await confirm(ada.token, app.code())
    assert.deepEqual([confirmed.status, confirmed.headers.get('cache-control')], [200, 'no-store'])
    assert.equal(new Set(confirmed.body.recoveryCodes).size, 10)
    for (const code of confirmed.body.recoveryCodes) assert.match(code, /^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$/)
    assert.deepEqual(await status(ada.token), { isOn: true, recoveryCodesLeft: 10 })
    assert.deepEqual((await auditOf(ada.id)).map(({ action }) => action).slice(-2), [
      'user.second-factor-failed',
      'user.second-factor-enrolled',
    ])
    assert.deepEqual(codeOf(await enrol(ada.token)), [409, 'user.second-factor-on'])
    assert.deepEqual(codeOf(await confirm(ada.token, app.code(1))), [409, 'user.second-factor-on'])
  })

  test('another secret takes the place of one that was not confirmed', async () => {
    const ada = await somebody()
    assert.deepEqual(codeOf(await confirm(ada.token, '123456')), [409, 'user.second-factor-not-begun'])
    const [first, second] = [(await enrol(ada.token)).body.secret, (await enrol(ada.token)).body.secret]
    assert.notEqual(first, second)
    const app = authenticatorApp({ secret: first, clock: h.clock })
    assert.equal((await confirm(ada.token, app.code())).status, 403)
    assert.equal((await confirm(ada.token, authenticatorApp({ secret: second, clock: h.clock }).code())).status, 200)
  })

  test('is asked for after the right password; the challenge opens nothing else and works once', async () => {
    const ada = await protectedAccount()
    const first = await login(ada.email)
    assert.deepEqual([first.status, first.headers.get('cache-control')], [202, 'no-store'])
    assert.deepEqual(Object.keys(first.body).sort(), ['challenge', 'expiresIn'])
    const { challenge } = first.body
    assert.equal((await me(challenge)).status, 401)
    assert.equal((await post('/api/v1/auth/refresh', { refreshToken: challenge })).status, 401)
    const signedIn = await complete(challenge, ada.app.code())
    assert.deepEqual([signedIn.status, signedIn.headers.get('cache-control')], [200, 'no-store'])
    assert.equal(signedIn.body.user.id, ada.id)
    assert.equal((await me(signedIn.body.accessToken)).status, 200)
    h.clock.advance(STEP_MS)
    assert.deepEqual(codeOf(await complete(challenge, ada.app.code())), [401, 'user.challenge-unknown'])
  })

  test('without the right password nobody learns that there is one, to the byte', async () => {
    const [ada, bob] = [await protectedAccount(), await somebody()]
    const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    const answers = await Promise.all([ada.email, bob.email].map((email) => login(email, 'not the password', headers)))
    assert.deepEqual(answers.map(codeOf), [
      [401, 'user.bad-credentials'],
      [401, 'user.bad-credentials'],
    ])
    assert.equal(answers[0]?.text, answers[1]?.text)
    assert.deepEqual([...(answers[0]?.headers.keys() ?? [])], [...(answers[1]?.headers.keys() ?? [])])
  })

  test('a code is used once, by whoever is first, also when two use it at the same moment', async () => {
    const ada = await protectedAccount()
    const challenges = [await challengeOf(ada.email), await challengeOf(ada.email)]
    const code = ada.app.code()
    const answers = await Promise.all(challenges.map((challenge) => complete(challenge, code)))
    assert.deepEqual(answers.map(({ status: answered }) => answered).sort(), [200, 401])
    assert.deepEqual(codeOf(await complete(await challengeOf(ada.email), code)), [401, 'user.second-factor-wrong'])
    assert.deepEqual(codeOf(await complete(await challengeOf(ada.email), ada.app.code(-1))), [
      401,
      'user.second-factor-wrong',
    ])
    assert.equal((await complete(await challengeOf(ada.email), ada.app.code(1))).status, 200)
  })

  test('one challenge with one code opens one session, also when two answer it at the same moment', async () => {
    const ada = await protectedAccount()
    const challenge = await challengeOf(ada.email)
    const answers = await Promise.all([complete(challenge, ada.app.code()), complete(challenge, ada.codes[0] ?? '')])
    assert.deepEqual(answers.map(({ status: answered }) => answered).sort(), [200, 401])
  })

  test('a challenge has five tries, also at the same moment, and five minutes', async () => {
    const ada = await protectedAccount()
    const challenge = await challengeOf(ada.email)
    const tries = Array.from({ length: 12 }, (_, nth) => complete(challenge, ada.app.wrongCode(nth)))
    const codes = (await Promise.all(tries)).map(({ body }) => body.code).sort()
    assert.deepEqual(new Set(codes.slice(0, 7)), new Set(['user.challenge-unknown']))
    assert.deepEqual(
      codes.slice(7),
      Array.from({ length: 5 }, () => 'user.second-factor-wrong'),
    )
    h.clock.advance(HOUR_MS)
    assert.deepEqual(codeOf(await complete(challenge, ada.app.code())), [401, 'user.challenge-unknown'])
    const late = await challengeOf(ada.email)
    h.clock.advance(300_001)
    assert.deepEqual(codeOf(await complete(late, ada.app.code())), [401, 'user.challenge-unknown'])
    assert.equal((await complete(await challengeOf(ada.email), ada.app.code())).status, 200)
  })

  test('an account waits after wrong codes, whatever challenge they come with; a recovery code is the way in', async () => {
    const ada = await protectedAccount()
    for (let nth = 0; nth < 5; nth += 1)
      assert.equal((await complete(await challengeOf(ada.email), ada.app.wrongCode(nth))).status, 401)
    const waits = await complete(await challengeOf(ada.email), ada.app.code())
    assert.deepEqual(codeOf(waits), [429, 'user.second-factor-waits'])
    assert.equal(waits.headers.get('retry-after'), '60')
    const failures = (await auditOf(ada.id)).filter(({ action }) => action === 'user.second-factor-failed')
    assert.equal(failures.length, 5)
    assert.deepEqual(failures.at(-1)?.details, { failures: 5 })
    assert.equal((await complete(await challengeOf(ada.email), 'AAAA-BBBB-CCCC-DDDD-EEEE-FFFF')).status, 429)
    assert.equal((await complete(await challengeOf(ada.email), ada.codes[3] ?? '')).status, 200)
    assert.equal((await complete(await challengeOf(ada.email), ada.app.code())).status, 200)
  })

  test('a wait ends by itself, and the next wrong code doubles it', async () => {
    const ada = await protectedAccount()
    const wrong = async () => complete(await challengeOf(ada.email), ada.app.wrongCode())
    for (let nth = 0; nth < 5; nth += 1) await wrong()
    h.clock.advance(60_000)
    assert.equal((await wrong()).status, 401)
    assert.equal((await wrong()).headers.get('retry-after'), '120')
    h.clock.advance(120_000)
    assert.equal((await complete(await challengeOf(ada.email), ada.app.code())).status, 200)
  })

  test('guesses that come all at once are as few', async () => {
    const ada = await protectedAccount()
    const challenges = await Promise.all(Array.from({ length: 6 }, () => challengeOf(ada.email)))
    const guesses = challenges.flatMap((challenge) =>
      [0, 1, 2, 3].map((nth) => complete(challenge, ada.app.wrongCode(nth))),
    )
    const answers = (await Promise.all(guesses)).map(({ body }) => body.code)
    assert.equal(answers.filter((code) => code === 'user.second-factor-wrong').length, 5)
    assert.equal(answers.filter((code) => code === 'user.second-factor-waits').length, 19)
  })

  test('a recovery code opens once, however it is typed; new ones end the old ones', async () => {
    const ada = await protectedAccount()
    const [first = '', second = ''] = ada.codes
    const typed = ` ${first.toLowerCase().replaceAll('-', ' ')} `
    assert.equal((await complete(await challengeOf(ada.email), typed)).status, 200)
    assert.deepEqual(codeOf(await complete(await challengeOf(ada.email), first)), [401, 'user.second-factor-wrong'])
    assert.deepEqual(await status(ada.token), { isOn: true, recoveryCodesLeft: 9 })
    const used = (await auditOf(ada.id)).find(({ action }) => action === 'user.recovery-code-used')
    assert.deepEqual(used, { action: 'user.recovery-code-used', actor: ada.id, details: { left: 9 } })
    const renew = (body: object) => post(`${ME}/recovery-codes`, body, { token: ada.token })
    assert.deepEqual(codeOf(await renew({ password: 'not the password', code: ada.app.code() })), [
      403,
      'user.wrong-password',
    ])
    assert.deepEqual(codeOf(await renew({ password: PASSWORD, code: ada.app.wrongCode() })), [
      403,
      'user.second-factor-wrong',
    ])
    const renewed = await renew({ password: PASSWORD, code: ada.app.code() })
    assert.equal(renewed.status, 200)
    assert.equal(await lastAction(ada.id), 'user.recovery-codes-renewed')
    assert.equal((await complete(await challengeOf(ada.email), second)).status, 401)
    assert.equal((await complete(await challengeOf(ada.email), renewed.body.recoveryCodes[1])).status, 200)
  })

  test('is removed with password and code, and then asked for no more', async () => {
    const ada = await protectedAccount()
    const remove = (body: object) => post(`${ME}/remove`, body, { token: ada.token })
    assert.deepEqual(codeOf(await remove({ password: 'not the password', code: ada.app.code() })), [
      403,
      'user.wrong-password',
    ])
    assert.deepEqual(codeOf(await remove({ password: PASSWORD, code: ada.app.wrongCode() })), [
      403,
      'user.second-factor-wrong',
    ])
    assert.deepEqual(codeOf(await remove({ password: PASSWORD })), [400, 'request.invalid'])
    assert.equal((await login(ada.email)).status, 202)
    assert.equal((await remove({ password: PASSWORD, code: ada.app.code() })).status, 204)
    assert.equal(await lastAction(ada.id), 'user.second-factor-removed')
    assert.equal((await login(ada.email)).status, 200)
    assert.deepEqual(codeOf(await remove({ password: PASSWORD, code: ada.app.code(1) })), [
      409,
      'user.second-factor-off',
    ])
    assert.equal((await h.database.query('SELECT 1 FROM recovery_codes WHERE user_id = $1', [ada.id])).length, 0)
  })

  test('a stolen access token alone changes nothing', async () => {
    const [ada, bob] = [await protectedAccount(), await somebody()]
    assert.deepEqual(codeOf(await enrol(bob.token, 'a guess')), [403, 'user.wrong-password'])
    for (const url of [`${ME}/totp`, `${ME}/recovery-codes`, `${ME}/remove`]) {
      assert.deepEqual(codeOf(await post(url, {}, { token: ada.token })), [400, 'request.invalid'], url)
      assert.deepEqual(codeOf(await post(url, { password: PASSWORD, code: '123456' })), [401, 'auth.required'], url)
    }
    assert.deepEqual(await status(ada.token), { isOn: true, recoveryCodesLeft: 10 })
  })

  test('bad input has its code', async () => {
    const { token } = await somebody()
    const cases: readonly [string, unknown, number, string][] = [
      ['/api/v1/auth/login/second-factor', {}, 400, 'request.invalid'],
      ['/api/v1/auth/login/second-factor', { challenge: 'x', code: '12345' }, 400, 'request.invalid'],
      ['/api/v1/auth/login/second-factor', { challenge: 'x', code: 123_456 }, 400, 'request.invalid'],
      ['/api/v1/auth/login/second-factor', { challenge: { $ne: '' }, code: '123456' }, 400, 'request.invalid'],
      ['/api/v1/auth/login/second-factor', { challenge: 'x', code: '123456', userId: 'x' }, 400, 'request.invalid'],
      [
        '/api/v1/auth/login/second-factor',
        { challenge: 'x'.repeat(43), code: '123456' },
        401,
        'user.challenge-unknown',
      ],
      ['/api/v1/auth/login/second-factor', { challenge: '\u0000', code: '123456' }, 401, 'user.challenge-unknown'],
      [`${ME}/totp/confirm`, { code: 'x'.repeat(41) }, 400, 'request.invalid'],
      [`${ME}/totp`, { password: '' }, 400, 'request.invalid'],
    ]
    for (const [url, body, expected, code] of cases)
      assert.deepEqual(codeOf(await post(url, body, { token })), [expected, code], JSON.stringify(body))
  })

  test('nothing readable is stored', async () => {
    const ada = await somebody()
    const { secret } = (await enrol(ada.token)).body
    const app = authenticatorApp({ secret, clock: h.clock })
    const { recoveryCodes } = (await confirm(ada.token, app.code())).body
    const challenge = await challengeOf(ada.email)
    const tables = ['totp_factors', 'recovery_codes', 'sign_in_challenges', 'audit_log', 'idempotency_keys', 'outbox']
    for (const table of tables) {
      const stored = JSON.stringify(await h.database.query(`SELECT t::text FROM ${table} t`))
      for (const hidden of [
        secret,
        challenge,
        ...recoveryCodes,
        ...recoveryCodes.map((code: string) => code.replaceAll('-', '')),
      ])
        assert.ok(!stored.includes(hidden), table)
    }
  })
})

test('without a key nobody can enrol, and everything else works', async () => {
  const h = await startServiceForTest(user, { env: signsInAtOnce, ownKeys: true })
  const body = { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }
  const { body: registered } = await h.call({ method: 'POST', url: '/api/v1/auth/register', body })
  const enrolled = await h.call({
    ...{ method: 'POST', url: `${ME}/totp`, body: { password: PASSWORD }, token: registered.accessToken },
  })
  assert.deepEqual([enrolled.status, enrolled.body.code], [503, 'user.second-factor-unavailable'])
  const { email, password } = body
  assert.equal((await h.call({ method: 'POST', url: '/api/v1/auth/login', body: { email, password } })).status, 200)
  await h.close()
})
