import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Accounts, startAccounts } from './account-harness.ts'

const PASSWORD = 'a good password'
const ADMIN = 'admin@micromart.test'

describe('registering where an address has to be proven', () => {
  let h: Accounts
  before(async () => {
    h = await startAccounts({ USER_SIGN_IN_NEEDS_VERIFIED_EMAIL: 'true' })
  })
  after(() => h.close())

  const someone = () => `${randomUUID()}@example.com`
  const ask = (email: string, options: { password?: string; headers?: Record<string, string> } = {}) => {
    const { password = PASSWORD, headers = {} } = options
    const body = { email, password, name: 'Ada' }
    return h.post('/api/v1/auth/register', body, { headers: { ...h.sameTrace, ...headers } })
  }
  const idOf = async (email: string) =>
    (await h.database.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]))[0]?.id ?? ''
  const confirm = (token: string) => h.post('/api/v1/auth/email-verifications/confirm', { token })
  const opened = async (email: string) => {
    assert.equal((await ask(email)).status, 202)
    await h.runTimers()
    return idOf(email)
  }
  const verified = async (email: string) => {
    const id = await opened(email)
    const { token } = await h.linkIn(id, 'email-verification-requested', 'verify-email')
    assert.equal((await confirm(token)).status, 204)
    return id
  }
  /** Nothing but what is the same for everybody: the time is one of a clock that stands still. */
  const seen = ({ status, headers, text }: Awaited<ReturnType<typeof ask>>) => {
    const shown = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
    return { status, text, headers: shown }
  }

  test('a new address and a known one get the same answer, and nothing is looked at before it', async () => {
    const [mine, unproven] = [someone(), someone()]
    await verified(mine)
    await opened(unproven)
    const fresh = seen(await ask(someone()))
    assert.deepEqual([fresh.status, fresh.text], [202, ''])
    for (const known of [mine, unproven, ADMIN, ` ${mine.toUpperCase()} `])
      assert.deepEqual(seen(await ask(known)), fresh, known)
    await h.runTimers()
  })

  test('somebody new signs in after the address was proven, and not before', async () => {
    const email = someone()
    const id = await opened(email)
    assert.deepEqual(await h.messagesOf(id, 'registration-attempted'), [])
    assert.equal((await h.login(email, PASSWORD)).body.code, 'user.bad-credentials')
    const { token, ...mail } = await h.linkIn(id, 'email-verification-requested', 'verify-email')
    assert.deepEqual([mail.email, mail.name], [email, ''])
    assert.equal((await confirm(token)).status, 204)
    const { status, body } = await h.login(email, PASSWORD)
    assert.deepEqual([status, body.user], [200, { ...body.user, id, emailVerified: true, roles: ['customer'] }])
  })

  test('the owner of an address is told, sets another password if need be, and nothing of the account has changed', async () => {
    const email = someone()
    const id = await verified(email)
    await ask(email, { password: 'what somebody else thought of' })
    await h.runTimers()
    assert.equal((await h.login(email, 'what somebody else thought of')).status, 401)
    assert.equal((await h.login(email, PASSWORD)).status, 200)
    assert.equal((await h.messagesOf(id, 'email-verification-requested')).length, 1)
    const { token, ...mail } = await h.linkIn(id, 'registration-attempted', 'registration-attempted')
    assert.deepEqual([mail.email, mail.name], [email, 'Ada'])
    assert.match(mail.link, /\/account\/reset-password#token=/)
    const reset = await h.post('/api/v1/auth/password-resets/confirm', { token, newPassword: 'one of my own' })
    assert.equal(reset.status, 204)
    assert.equal((await h.login(email, 'one of my own')).status, 200)
  })

  test('an account that somebody else opened before is its owner’s with the mailed link, and the other is out', async () => {
    const email = someone()
    const id = await opened(email)
    await ask(email, { password: 'the password of the owner' })
    await h.runTimers()
    const { token, name } = await h.linkIn(id, 'registration-attempted', 'registration-attempted')
    assert.equal(name, '')
    const set = { token, newPassword: 'the password of the owner' }
    assert.equal((await h.post('/api/v1/auth/password-resets/confirm', set)).status, 204)
    assert.equal((await h.login(email, PASSWORD)).status, 401)
    assert.equal((await h.login(email, 'the password of the owner')).status, 200)
  })

  test('signing in tells as little: an own account that is not proven looks as one of somebody else', async () => {
    const [mine, theirs] = [someone(), someone()]
    await opened(mine)
    await verified(theirs)
    const login = (email: string, password: string) =>
      h.post('/api/v1/auth/login', { email, password }, { headers: h.sameTrace })
    const right = seen(await login(mine, PASSWORD))
    assert.deepEqual(right, seen(await login(theirs, 'not the password')))
    assert.deepEqual(right, seen(await login(someone(), PASSWORD)))
    const until429 = async (email: string, password: string) => {
      let tries = 0
      while ((await login(email, password)).status === 401) tries += 1
      return tries
    }
    assert.equal(await until429(mine, PASSWORD), await until429(theirs, 'not the password'))
  })

  test('of two who want the same address at once one gets an account, and both mails go to the one address', async () => {
    const email = someone()
    const answers = await Promise.all([ask(email), ask(email.toUpperCase(), { password: 'another password' })])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202],
    )
    await h.runTimers()
    const id = await idOf(email)
    assert.equal((await h.messagesOf(id, 'email-verification-requested')).length, 1)
    assert.equal((await h.messagesOf(id, 'registration-attempted')).length, 1)
    assert.deepEqual(await h.auditOf(id), ['user.registered', 'user.registration-attempted'])
  })

  test('nobody is flooded with such mails, and the links of an owner who forgot the password are left', async () => {
    const email = someone()
    const id = await verified(email)
    for (let count = 0; count < 8; count++) assert.equal((await ask(email)).status, 202)
    await h.runTimers()
    assert.equal((await h.messagesOf(id, 'registration-attempted')).length, 2)
    assert.equal((await h.post('/api/v1/auth/password-resets', { email })).status, 202)
    await h.runTimers()
    assert.equal((await h.messagesOf(id, 'password-reset-requested')).length, 1)
  })

  test('a repeat with the same Idempotency-Key is one registration', async () => {
    const email = someone()
    const headers = { 'idempotency-key': randomUUID() }
    const [first, second] = [await ask(email, { headers }), await ask(email, { headers })]
    assert.deepEqual([first.status, second.status, second.headers.get('idempotent-replayed')], [202, 202, 'true'])
    await h.runTimers()
    assert.deepEqual(await h.auditOf(await idOf(email)), ['user.registered'])
    const other = await ask(email, { password: 'another password', headers })
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key-reused'])
  })

  test('neither password nor address stays behind: what was asked goes when it was looked at', async () => {
    const email = someone()
    await opened(email)
    const rows = await h.database.query('SELECT data::text FROM timers')
    assert.ok(!JSON.stringify(rows).includes(email) && !JSON.stringify(rows).includes('argon2'))
    for (const table of ['outbox', 'audit_log', 'idempotency_keys'])
      assert.ok(!JSON.stringify(await h.database.query(`SELECT * FROM ${table}`)).includes(email), table)
  })

  test('what is wrong with the wish itself is said, known or not', async () => {
    for (const email of [ADMIN, someone()])
      assert.deepEqual((await ask(email, { password: 'password1' })).body.code, 'user.password-too-common')
  })

  test('the accounts of the configuration sign in as before', async () => {
    const { status, body } = await h.login(ADMIN, 'micromart-demo')
    assert.deepEqual([status, body.user.emailVerified], [200, true])
  })
})
