import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { topology } from '@micromart/contracts/topology'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { openDatabase } from '@micromart/postgres/database'
import { runService } from '@micromart/service-kit/run-service'
import { createLogger } from '@micromart/telemetry/logger'
import { authenticatorApp } from '@micromart/testkit/authenticator-app'
import { startScriptedIssuer } from '@micromart/testkit/scripted-issuer'
import { startServiceForTest } from '@micromart/testkit/service-harness'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { forgetExpiredSignIns } from '../src/expired-sign-ins.ts'
import { user } from '../src/main.ts'
import { sealerOf } from '../src/sealed-secrets.ts'
import { signsInAtOnce } from './account-harness.ts'
import { openBrowser } from './browser.ts'

const ME = '/api/v1/users/me/second-factor'
const newKey = () => randomBytes(32).toString('base64url')
const password = 'correct-horse-battery'
const nowhere = 'http://127.0.0.1:9'

async function openInstallation() {
  const database = await createTestDatabase()
  const broker = createMemoryBroker({ topology })
  const lines: string[] = []
  const log = createLogger({ service: 'user', level: 'trace', destination: { write: (line) => void lines.push(line) } })
  const start = (environment: Readonly<Record<string, string>>) =>
    runService(user, {
      ...{ broker, log },
      environment: {
        ...{
          MICROMART_ENV: 'development',
          PORT: '0',
          DATABASE_URL: database.url,
          INTERNAL_TOKEN: 'test-internal-token',
        },
        ...{ JWKS_URL: nowhere, PUBLIC_URL: nowhere, SELF_URL: nowhere },
        ...{ USER_GRPC_URL: nowhere, CART_GRPC_URL: nowhere, PRODUCT_GRPC_URL: nowhere },
        ...{ ORDER_GRPC_URL: nowhere, PAYMENT_GRPC_URL: nowhere, NOTIFICATION_GRPC_URL: nowhere },
        ...environment,
      },
    })
  const close = async () => {
    await broker.close()
    await database.drop()
  }
  return { start, close, url: database.url, lines }
}

test('a service that lacks the key of a second factor does not start; with a newer key in front it does', async () => {
  const { start, close, url } = await openInstallation()
  const [old, fresh] = [newKey(), newKey()]
  const first = await start({ USER_SECRETS_KEY: old })
  const database = openDatabase({ url, poolSize: 1 })
  const id = randomUUID()
  const keyId = sealerOf(old)?.keyId
  await database.execute(
    `INSERT INTO users (id, email, name, roles, created_at) VALUES ($1, 'a@b.co', 'A', '{customer}', now())`,
    [id],
  )
  await database.execute(
    `INSERT INTO totp_factors (user_id, sealed_secret, key_id, created_at, last_step, failures) VALUES ($1, 'x', $2, now(), 0, 0)`,
    [id, keyId],
  )
  await first.close()
  // what nobody has confirmed yet locks nobody out
  await (await start({ USER_SECRETS_KEY: fresh })).close()
  await database.execute('UPDATE totp_factors SET confirmed_at = now()')
  const lacksIt = { code: 'config.invalid', message: new RegExp(`USER_SECRETS_KEY lacks the key ${keyId}`) }
  await assert.rejects(start({ USER_SECRETS_KEY: fresh }), lacksIt)
  await assert.rejects(start({}), lacksIt)
  await (await start({ USER_SECRETS_KEY: `${fresh},${old}` })).close()
  await database.close()
  await close()
})

test('a bad key and bad providers are refused at the start, without showing them', async () => {
  const { start, close, lines } = await openInstallation()
  const provider = { name: 'google', issuer: 'https://accounts.google.com', clientId: 'id', clientSecret: 'hush-hush' }
  const faults: readonly [Record<string, string>, RegExp][] = [
    [{ USER_SECRETS_KEY: 'hush-hush' }, /USER_SECRETS_KEY is not 32 bytes/],
    [{ USER_OIDC_PROVIDERS: '[{"clientSecret":"hush-hush"}]' }, /USER_OIDC_PROVIDERS\[0\]/],
    [
      {
        USER_OIDC_PROVIDERS: JSON.stringify([provider]),
        MICROMART_ENV: 'production',
        PUBLIC_URL: 'http://shop.example',
      },
      /PUBLIC_URL with https/,
    ],
  ]
  for (const [environment, message] of faults)
    await assert.rejects(start(environment), (error: Error) => {
      assert.match(error.message, message)
      assert.ok(!error.message.includes('hush-hush'))
      return true
    })
  assert.ok(!lines.join('').includes('hush-hush'))
  await close()
})

test('what was begun and never finished is forgotten after its time', async () => {
  const h = await startServiceForTest(user, { env: { USER_SECRETS_KEY: newKey(), ...signsInAtOnce }, ownKeys: true })
  const count = async () =>
    (await h.database.query<{ n: number }>('SELECT count(*)::int AS n FROM sign_in_challenges'))[0]?.n
  const credentials = { email: 'ada@example.com', password }
  const post = (url: string, body: object, token?: string) =>
    h.call({ method: 'POST', url, body, ...(token === undefined ? {} : { token }) })
  const { accessToken } = (await post('/api/v1/auth/register', { ...credentials, name: 'Ada' })).body
  const { secret } = (await post(`${ME}/totp`, { password }, accessToken)).body
  await post(`${ME}/totp/confirm`, { code: authenticatorApp({ secret, clock: h.clock }).code() }, accessToken)
  assert.equal((await post('/api/v1/auth/login', credentials)).status, 202)
  await forgetExpiredSignIns(h)
  assert.equal(await count(), 1)
  h.clock.advance(300_001)
  await forgetExpiredSignIns(h)
  assert.equal(await count(), 0)
  await h.close()
})

test('neither the repeat of a registration nor a challenge from before a new password or the closing lets anybody in', async () => {
  const h = await startServiceForTest(user, { env: { USER_SECRETS_KEY: newKey(), ...signsInAtOnce }, ownKeys: true })
  const post = (url: string, body: object, options: { token?: string; headers?: Record<string, string> } = {}) =>
    h.call({ method: 'POST', url, body, ...options })
  const credentials = { email: 'ada@example.com', password }
  const registration = { ...credentials, name: 'Ada' }
  const headers = { 'idempotency-key': randomUUID() }
  const { accessToken: token, user: account } = (await post('/api/v1/auth/register', registration, { headers })).body
  const { secret } = (await post(`${ME}/totp`, { password }, { token })).body
  const app = authenticatorApp({ secret, clock: h.clock })
  await post(`${ME}/totp/confirm`, { code: app.code() }, { token })
  const repeated = await post('/api/v1/auth/register', registration, { headers })
  assert.deepEqual([repeated.status, Object.keys(repeated.body).sort()], [202, ['challenge', 'expiresIn']])
  h.clock.advance(30_000)
  const owe = async (wish: object) => (await post('/api/v1/auth/login', wish)).body.challenge
  const complete = (challenge: string) => post('/api/v1/auth/login/second-factor', { challenge, code: app.code() })
  const isOver = async (challenge: string) => {
    const { status, body } = await complete(challenge)
    assert.deepEqual([status, body.code], [401, 'user.challenge-unknown'])
  }
  const before = await owe(credentials)
  const newPassword = 'another-horse-battery'
  assert.equal((await post('/api/v1/users/me/password', { password, newPassword }, { token })).status, 204)
  await isOver(before)
  const last = await owe({ ...credentials, password: newPassword })
  assert.equal((await post('/api/v1/users/me/close', { password: newPassword }, { token })).status, 204)
  await isOver(last)
  for (const table of ['totp_factors', 'recovery_codes', 'sign_in_challenges', 'identities'])
    assert.deepEqual(await h.database.query(`SELECT 1 FROM ${table} WHERE user_id = $1`, [account.id]), [], table)
  await h.close()
})

test('nothing secret is logged, whatever goes wrong', async () => {
  const { start, close, lines } = await openInstallation()
  const scripted = await startScriptedIssuer()
  const provider = {
    name: 'local',
    issuer: scripted.issuer,
    clientId: 'micromart',
    clientSecret: 'hush-hush',
    privateNetwork: true,
  }
  const service = await start({ USER_SECRETS_KEY: newKey(), USER_OIDC_PROVIDERS: JSON.stringify([provider]) })
  const browser = openBrowser()
  const away = await browser.go(`${service.url}/api/v1/auth/oidc/local`)
  const asked = new URL(away.headers.get('location') ?? '').searchParams
  scripted.answerWith(await scripted.idToken('another nonce'))
  const answer = new URLSearchParams({ code: 'a-secret-code', state: asked.get('state') ?? '', iss: scripted.issuer })
  const returned = await browser.go(`${service.url}/api/v1/auth/oidc/local/callback?${answer}`)
  assert.equal(returned.status, 303)
  const cookie = browser.cookies(service.url).split('=')[1] ?? ''
  const finished = await browser.go(`${service.url}/api/v1/auth/login/provider`, { method: 'POST' })
  assert.equal(finished.status, 400)
  const attempt = { challenge: 'a-secret-challenge', code: '987654' }
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(attempt)
  await fetch(`${service.url}/api/v1/auth/login/second-factor`, { method: 'POST', headers, body })
  await service.close()
  await scripted.close()
  const logged = lines.join('')
  assert.match(logged, /a sign-in with a provider failed/)
  const secrets = [
    'hush-hush',
    'a-secret-code',
    'an-access-token',
    'eve@example.com',
    cookie,
    asked.get('state'),
    asked.get('nonce'),
  ]
  for (const secret of [...secrets, 'a-secret-challenge', '987654'])
    assert.ok(!logged.includes(String(secret)), String(secret))
  await close()
})
