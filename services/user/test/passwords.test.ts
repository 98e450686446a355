import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { HttpCall } from '@micromart/testkit/service-harness'
import { type Accounts, startAccounts } from './account-harness.ts'

const NEW = 'quite another one'

describe('a new password', () => {
  let h: Accounts
  before(async () => {
    h = await startAccounts()
  })
  after(() => h.close())

  const change = (token: string, body: { password: string; newPassword: string }, headers: HttpCall['headers'] = {}) =>
    h.post('/api/v1/users/me/password', body, { token, headers })
  const ask = (email: string, headers: HttpCall['headers'] = {}) =>
    h.post('/api/v1/auth/password-resets', { email }, { headers })
  const confirm = (token: string, newPassword = NEW, headers: HttpCall['headers'] = {}) =>
    h.post('/api/v1/auth/password-resets/confirm', { token, newPassword }, { headers })
  const resetTokenFor = async (person: { id: string; email: string }) => {
    assert.equal((await ask(person.email)).status, 202)
    await h.runTimers()
    return (await h.linkIn(person.id, 'password-reset-requested', 'reset-password')).token
  }

  test('is set by whoever knows the old one', async () => {
    const person = await h.register()
    const wrong = await change(person.token, { password: 'not the password', newPassword: NEW })
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'user.wrong-password'])
    assert.equal((await change(person.token, { password: person.password, newPassword: NEW })).status, 204)
    assert.equal((await h.login(person.email, person.password)).status, 401)
    assert.equal((await h.login(person.email, NEW)).status, 200)
    const [message] = await h.messagesOf(person.id, 'password-changed')
    assert.ok(message)
    assert.equal((await h.mail('password-changed', message)).email, person.email)
    assert.deepEqual(await h.auditOf(person.id), ['user.reauthentication-failed', 'user.password-changed'])
  })

  test('two changes at the same moment: one knew the password that counted', async () => {
    const person = await h.register()
    const answers = await Promise.all(
      [1, 2, 3].map((n) => change(person.token, { password: person.password, newPassword: `${NEW} ${n}` })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 403, 403])
    assert.equal((await h.messagesOf(person.id, 'password-changed')).length, 1)
  })

  test('ends every other session: one’s own stays when it is changed, none when it is reset', async () => {
    const person = await h.register()
    const other = (await h.login(person.email, person.password)).body
    assert.equal((await change(person.token, { password: person.password, newPassword: NEW })).status, 204)
    assert.equal((await h.refresh(other.refreshToken)).body.code, 'user.refresh-token-invalid')
    const own = await h.refresh(person.refreshToken)
    assert.equal(own.status, 200)
    assert.equal((await confirm(await resetTokenFor(person), `${NEW} again`)).status, 204)
    assert.equal((await h.refresh(own.body.refreshToken)).body.code, 'user.refresh-token-invalid')
    const [ended] = await h.database.query(
      'SELECT count(*)::int AS live FROM sessions WHERE user_id = $1 AND ended_at IS NULL',
      [person.id],
    )
    assert.deepEqual(ended, { live: 0 })
  })

  test('a repeat with the same Idempotency-Key gets the first answer, although the password is another by then', async () => {
    const person = await h.register()
    const headers = { 'idempotency-key': randomUUID() }
    const first = await change(person.token, { password: person.password, newPassword: NEW }, headers)
    const second = await change(person.token, { password: person.password, newPassword: NEW }, headers)
    assert.deepEqual([first.status, second.status], [204, 204])
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
    assert.equal((await h.messagesOf(person.id, 'password-changed')).length, 1)
    const other = await change(person.token, { password: person.password, newPassword: `${NEW}!` }, headers)
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key-reused'])
  })

  test('is set by whoever reads the mail of the account, once, and the address is verified by that', async () => {
    const person = await h.register()
    const token = await resetTokenFor(person)
    assert.equal((await confirm(token)).status, 204)
    assert.equal((await h.login(person.email, person.password)).status, 401)
    const { status, body } = await h.login(person.email, NEW)
    assert.deepEqual([status, body.user.emailVerified], [200, true])
    const again = await confirm(token, 'and once more another')
    assert.deepEqual([again.status, again.body.code], [422, 'user.link-invalid'])
    assert.equal((await h.login(person.email, NEW)).status, 200)
    assert.deepEqual(await h.auditOf(person.id), ['user.password-reset-requested', 'user.password-reset'])
  })

  test('of many who use a link at once one sets the password', async () => {
    const person = await h.register()
    const token = await resetTokenFor(person)
    const answers = await Promise.all([1, 2, 3, 4].map((n) => confirm(token, `${NEW} ${n}`)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 422, 422, 422])
    assert.equal((await h.messagesOf(person.id, 'password-changed')).length, 1)
  })

  test('every link that was mailed before ends with it, and so does an old address', async () => {
    const person = await h.register()
    const [first, second] = [await resetTokenFor(person), await resetTokenFor(person)]
    const verification = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    assert.equal((await confirm(second)).status, 204)
    assert.equal((await confirm(first)).body.code, 'user.link-invalid')
    const answer = await h.post('/api/v1/auth/email-verifications/confirm', { token: verification.token })
    assert.equal(answer.body.code, 'user.link-invalid')
  })

  test('a link ends after ten minutes', async () => {
    const person = await h.register()
    const token = await resetTokenFor(person)
    h.clock.advance(10 * 60_000)
    assert.equal((await confirm(token)).body.code, 'user.link-invalid')
    assert.equal((await h.login(person.email, person.password)).status, 200)
  })

  test('who asks does not learn whether there is an account: same answer, same rows, no mail', async () => {
    const known = await h.register()
    const counts = async () => {
      const rows = await h.database.query<{ kind: string }>(`SELECT kind FROM timers WHERE kind <> 'forget-link'`)
      return rows.length
    }
    const before = await counts()
    const answers = []
    for (const email of [known.email, `${randomUUID()}@example.com`]) answers.push(await ask(email, h.sameTrace))
    const [first, second] = answers
    assert.deepEqual([first?.status, first?.text], [202, ''])
    assert.deepEqual([second?.status, second?.text], [202, ''])
    const namesOf = (headers: Headers | undefined) => [...(headers?.keys() ?? [])].sort()
    assert.deepEqual(namesOf(first?.headers), namesOf(second?.headers))
    await h.runTimers()
    assert.equal(await counts(), before, 'the address is forgotten when it was looked at')
    assert.equal((await h.messagesOf(known.id, 'password-reset-requested')).length, 1)
  })

  test('nobody is flooded: five mails for an address in an hour, known or not', async () => {
    const known = await h.register()
    for (const email of [known.email, `${randomUUID()}@example.com`]) {
      const statuses = []
      for (let count = 0; count < 7; count++) statuses.push((await ask(email)).status)
      assert.deepEqual(statuses, [202, 202, 202, 202, 202, 429, 429])
      const stopped = await ask(email)
      assert.deepEqual([stopped.body.code, stopped.headers.get('retry-after')], ['user.too-many-mails', '3600'])
    }
    await h.runTimers()
    assert.equal((await h.messagesOf(known.id, 'password-reset-requested')).length, 5)
  })

  test('one client cannot have mails sent to everybody', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    const statuses = []
    for (let count = 0; count < 52; count++) statuses.push((await ask(`${randomUUID()}@example.com`, headers)).status)
    assert.equal(statuses.filter((status) => status === 202).length, 50)
    assert.equal((await ask(`${randomUUID()}@example.com`, { 'x-forwarded-for': '203.0.113.10' })).status, 202)
  })

  test('the link leads where the configuration says, whatever the request says of its host', async () => {
    const person = await h.register()
    const poisoned = {
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example;proto=https',
      'x-original-host': 'evil.example',
      origin: 'https://evil.example',
      referer: 'https://evil.example/',
    }
    await ask(person.email, poisoned)
    await h.runTimers()
    const { link } = await h.linkIn(person.id, 'password-reset-requested', 'reset-password')
    assert.match(link, /^http:\/\/127\.0\.0\.1:3000\/account\/reset-password#token=/)
  })

  test('nothing that opens an account is kept or sent: no token in any table, no address in a message', async () => {
    const person = await h.register()
    const token = await resetTokenFor(person)
    const tables = ['account_links', 'outbox', 'timers', 'idempotency_keys', 'audit_log']
    const dumps = await Promise.all(tables.map((table) => h.database.query(`SELECT * FROM ${table}`)))
    const text = JSON.stringify(dumps)
    assert.ok(text.includes(person.id), 'the dump has what is looked for')
    for (const secret of [token, token.slice(22), Buffer.from(token, 'base64url').subarray(16).toString('hex')])
      assert.ok(!text.includes(secret))
    const sent = JSON.stringify(await h.database.query('SELECT envelope FROM outbox'))
    const audited = JSON.stringify(await h.database.query('SELECT * FROM audit_log'))
    for (const personal of [person.email, 'Ada']) assert.ok(!sent.includes(personal) && !audited.includes(personal))
  })

  test('what everybody tries first is refused, however it is written; length is all else that is asked', async () => {
    const person = await h.register()
    const token = await resetTokenFor(person)
    for (const common of [
      'password',
      'PassWord1',
      'qwertyuiop',
      '12345678',
      'aaaaaaaaaa',
      'abababababab',
      person.email,
      ' iloveyou1 ',
      'MicroMart2026',
      'm1cr0mart!',
    ]) {
      for (const answer of [
        await change(person.token, { password: person.password, newPassword: common }),
        await confirm(token, common),
      ])
        assert.deepEqual([answer.status, answer.body.code], [400, 'user.password-too-common'], common)
    }
    for (const wrong of ['short', 'x'.repeat(201)])
      assert.equal((await confirm(token, wrong)).body.code, 'request.invalid')
    assert.equal(
      (await change(person.token, { password: person.password, newPassword: 'micromart and more words' })).status,
      204,
    )
    const again = await resetTokenFor(person)
    assert.equal((await confirm(again, 'eine lange zeile ohne ziffern')).status, 204)
  })
})
