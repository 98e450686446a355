import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '@micromart/contracts/topology'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { openDatabase } from '@micromart/postgres/database'
import { runService } from '@micromart/service-kit/run-service'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

const nowhere = 'http://127.0.0.1:9'
const environmentFor = (databaseUrl: string, mode: 'development' | 'production') => ({
  MICROMART_ENV: mode,
  USER_DEMO_ACCOUNTS: 'true',
  PORT: '0',
  DATABASE_URL: databaseUrl,
  INTERNAL_TOKEN: 'test-internal-token',
  JWKS_URL: nowhere,
  PUBLIC_URL: nowhere,
  SELF_URL: nowhere,
  USER_GRPC_URL: nowhere,
  CART_GRPC_URL: nowhere,
  PRODUCT_GRPC_URL: nowhere,
  ORDER_GRPC_URL: nowhere,
  PAYMENT_GRPC_URL: nowhere,
  NOTIFICATION_GRPC_URL: nowhere,
})

test('accounts with a known password are refused in production', async () => {
  const database = await createTestDatabase()
  const broker = createMemoryBroker({ topology })
  await assert.rejects(
    runService(user, { broker, log: silentLogger(), environment: environmentFor(database.url, 'production') }),
    { code: 'config.invalid', message: /USER_DEMO_ACCOUNTS is true: accounts with a known password are refused/ },
  )
  await broker.close()
  await database.drop()
})

test('the first admin of a shop in production is made once, and a bad wish for one is refused', async () => {
  const database = await createTestDatabase()
  const broker = createMemoryBroker({ topology })
  const start = (email: string, password: string) =>
    runService(user, {
      broker,
      log: silentLogger(),
      environment: {
        ...environmentFor(database.url, 'production'),
        USER_DEMO_ACCOUNTS: 'false',
        USER_ADMIN_EMAIL: email,
        USER_ADMIN_PASSWORD: password,
      },
    })
  await assert.rejects(start('boss', 'short'), { message: /USER_ADMIN_EMAIL is not .*USER_ADMIN_PASSWORD is shorter/s })
  const signIn = async (password: string) => {
    const service = await start('Boss@Example.com', password)
    const response = await fetch(`${service.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'boss@example.com', password: 'a long first password' }),
    })
    const { user: found } = (await response.json()) as { user?: { roles: string[] } }
    await service.close()
    return found?.roles
  }
  assert.deepEqual(await signIn('a long first password'), ['customer', 'staff', 'admin'])
  const books = openDatabase({ url: database.url, poolSize: 1 })
  // as versions before this one made it
  await books.execute('UPDATE users SET email_verified_at = NULL')
  assert.deepEqual(await signIn('another password that comes too late'), ['customer', 'staff', 'admin'])
  await books.execute(`UPDATE users SET email_verified_at = NULL, roles = ARRAY['customer']`)
  assert.equal(await signIn('a long first password'), undefined, 'somebody who only has the address')
  await books.close()
  await broker.close()
  await database.drop()
})

test('a second start keeps key and accounts, and the log never holds a password, an address or a token', async () => {
  const database = await createTestDatabase()
  const broker = createMemoryBroker({ topology })
  const lines: string[] = []
  const log = createLogger({ service: 'user', level: 'trace', destination: { write: (line) => void lines.push(line) } })
  const environment = { ...environmentFor(database.url, 'development'), ...signsInAtOnce }
  const start = () => runService(user, { broker, log, environment })
  const keysOf = async (url: string) => (await fetch(`${url}/.well-known/jwks.json`)).text()
  const post = async (url: string, body: string) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return { status: response.status, text: await response.text() }
  }
  const first = await start()
  const keys = await keysOf(first.url)
  await first.close()
  const second = await start()
  assert.equal(await keysOf(second.url), keys)
  const person = { email: 'ada@example.com', password: 'correct-horse-battery', name: 'Ada' }
  const registered = await post(`${second.url}/api/v1/auth/register`, JSON.stringify(person))
  const login = `${second.url}/api/v1/auth/login`
  const answers = [
    registered,
    await post(login, JSON.stringify({ email: person.email, password: 'correct-horse-battery' })),
    await post(login, JSON.stringify({ email: person.email, password: 'wrong-horse-battery' })),
    await post(login, JSON.stringify({ email: person.email, password: 'wrong-horse-battery', extra: 1 })),
    await post(login, `{"email":"ada@example.com","password":"wrong-horse-battery"`),
    await post(login, JSON.stringify({ email: 'admin@micromart.test', password: 'micromart-demo' })),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 200, 401, 400, 400, 200],
  )
  await second.close()
  const logged = lines.join('')
  assert.match(logged, /DEMO ACCOUNTS are open/)
  for (const secret of [
    'horse-battery',
    'ada@example.com',
    JSON.parse(registered.text).accessToken,
    'argon2id',
    '"d":',
  ])
    assert.ok(!logged.includes(secret), secret)
  await broker.close()
  await database.drop()
})
