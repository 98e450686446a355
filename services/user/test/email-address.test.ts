import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Accounts, type Person, startAccounts } from './account-harness.ts'

const HOUR_MS = 3_600_000

describe('the e-mail address of an account', () => {
  let h: Accounts
  before(async () => {
    h = await startAccounts({ STOREFRONT_URL: 'https://shop.example/' })
  })
  after(() => h.close())

  const me = async (token: string) => (await h.call({ method: 'GET', url: '/api/v1/users/me', token })).body
  const verify = (token: string) => h.post('/api/v1/auth/email-verifications/confirm', { token })
  const confirmChange = (token: string) => h.post('/api/v1/auth/email-changes/confirm', { token })
  const askAgain = (token: string) => h.call({ method: 'POST', url: '/api/v1/users/me/email-verification', token })
  const askChange = (person: Person, newEmail: string, password = person.password) =>
    h.post('/api/v1/users/me/email', { newEmail, password }, { token: person.token })
  const anAddress = () => `${randomUUID()}@example.com`

  test('a link is mailed at registration, and whoever opens it has verified the address, once', async () => {
    const person = await h.register()
    assert.equal((await me(person.token)).emailVerified, false)
    const { token, link, email, name } = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    assert.match(link, /^https:\/\/shop\.example\/account\/verify-email#token=[\w-]{64}$/)
    assert.deepEqual([email, name], [person.email, ''], 'no name goes to an address that may be a stranger’s')
    assert.equal((await verify(token)).status, 204)
    assert.equal((await me(person.token)).emailVerified, true)
    const again = await verify(token)
    assert.deepEqual([again.status, again.body.code], [422, 'user.link-invalid'])
    assert.deepEqual(await h.auditOf(person.id), ['user.email-verified'])
    const asked = await askAgain(person.token)
    assert.deepEqual([asked.status, asked.body.code], [409, 'user.email-verified'])
  })

  test('of many who open a link at once one gets through', async () => {
    const person = await h.register()
    const { token } = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(token)))
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
    assert.equal(answers.filter(({ status }) => status === 422).length, 7)
    assert.deepEqual(await h.auditOf(person.id), ['user.email-verified'])
  })

  test('what is no token, and a token for something else, get one answer', async () => {
    const person = await h.register()
    const { token } = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    const changed = token.endsWith('A') ? `${token.slice(0, -1)}B` : `${token.slice(0, -1)}A`
    const bytes = Buffer.from(token, 'base64url')
    const otherId = Buffer.concat([Buffer.from(randomUUID().replaceAll('-', ''), 'hex'), bytes.subarray(16)])
    const idAlone = Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(32)])
    const wrong = [
      'x',
      changed,
      `${token}A`,
      token.slice(1),
      ` ${token}`,
      "' OR 1=1 --",
      '\u0000'.repeat(64),
      otherId.toString('base64url'),
      idAlone.toString('base64url'),
    ]
    const headers = h.sameTrace
    const expected = (await h.post('/api/v1/auth/email-verifications/confirm', { token: '-'.repeat(64) }, { headers }))
      .text
    for (const text of wrong) {
      const answer = await h.post('/api/v1/auth/email-verifications/confirm', { token: text }, { headers })
      assert.equal(answer.text, expected, text)
    }
    for (const url of ['/api/v1/auth/email-changes/confirm']) {
      const answer = await h.post(url, { token }, { headers })
      assert.deepEqual([answer.status, answer.body.code], [422, 'user.link-invalid'])
    }
    const reset = await h.post('/api/v1/auth/password-resets/confirm', { token, newPassword: 'quite another one' })
    assert.deepEqual([reset.status, reset.body.code], [422, 'user.link-invalid'])
    assert.equal((await me(person.token)).emailVerified, false)
  })

  test('a link ends after a day, and its mail is not written any more', async () => {
    const person = await h.register()
    const { token } = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    h.clock.advance(24 * HOUR_MS)
    assert.equal((await verify(token)).body.code, 'user.link-invalid')
    const [message] = await h.messagesOf(person.id, 'email-verification-requested')
    assert.equal((await h.mail('verify-email', message ?? { userId: '' })).found, false)
    h.clock.advance(8 * 24 * HOUR_MS)
    await h.runTimers()
    const rows = await h.database.query('SELECT 1 FROM account_links WHERE user_id = $1', [person.id])
    assert.equal(rows.length, 0, 'a week later nothing is left of it')
  })

  test('nobody is mailed more than five links in an hour', async () => {
    const person = await h.register()
    const answers = []
    for (let count = 0; count < 6; count++) answers.push(await askAgain(person.token))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202, 202, 429, 429],
    )
    assert.deepEqual([answers[4]?.body.code, answers[4]?.headers.get('retry-after')], ['user.too-many-mails', '3600'])
    assert.equal((await h.messagesOf(person.id, 'email-verification-requested')).length, 5)
  })

  test('an address changes when the new one confirms, and the old one is told both times', async () => {
    const person = await h.register()
    const newEmail = anAddress()
    assert.equal((await askChange(person, ` ${newEmail.toUpperCase()} `)).status, 202)
    assert.equal((await me(person.token)).email, person.email, 'nothing has changed yet')
    const [message] = await h.messagesOf(person.id, 'email-change-requested')
    assert.ok(message)
    assert.equal((await h.mail('email-change-requested', message)).email, person.email)
    const { token, email, link } = await h.linkIn(person.id, 'email-change-requested', 'confirm-new-email')
    assert.equal(email, newEmail)
    assert.match(link, /^https:\/\/shop\.example\/account\/confirm-email#/)
    assert.equal((await confirmChange(token)).status, 204)
    const { email: now, emailVerified } = await me(person.token)
    assert.deepEqual([now, emailVerified], [newEmail, true])
    const [changed] = await h.messagesOf(person.id, 'email-changed')
    assert.ok(changed)
    const warning = await h.mail('email-changed', changed)
    assert.deepEqual([warning.email, warning.link], [person.email, ''])
    assert.equal((await confirmChange(token)).body.code, 'user.link-invalid')
    assert.equal((await h.login(newEmail, person.password)).status, 200)
    assert.equal((await h.login(person.email, person.password)).status, 401)
    assert.deepEqual(await h.auditOf(person.id), ['user.email-change-requested', 'user.email-changed'])
  })

  test('without the password nothing is asked for, and guessing it is slowed down', async () => {
    const person = await h.register()
    const wrong = await askChange(person, anAddress(), 'not the password')
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'user.wrong-password'])
    for (let count = 0; count < 9; count++) await askChange(person, anAddress(), 'not the password')
    const stopped = await askChange(person, anAddress())
    assert.deepEqual([stopped.status, stopped.body.code], [429, 'user.too-many-attempts'])
    assert.equal(stopped.headers.get('retry-after'), '900')
    assert.deepEqual(await h.messagesOf(person.id, 'email-change-requested'), [])
  })

  test('whether the new address has an account is told to its owner alone', async () => {
    const [person, other] = [await h.register(), await h.register()]
    const [free, taken] = [await askChange(person, anAddress()), await askChange(person, other.email)]
    assert.deepEqual([free.status, free.text], [taken.status, taken.text])
    const { token } = await h.linkIn(person.id, 'email-change-requested', 'confirm-new-email')
    const refused = await confirmChange(token)
    assert.deepEqual([refused.status, refused.body.code], [409, 'user.email-taken'])
    assert.equal((await me(person.token)).email, person.email)
  })

  test('two who want the same address at the same moment: one has it', async () => {
    const people = [await h.register(), await h.register()]
    const wanted = anAddress()
    const tokens = []
    for (const person of people) {
      await askChange(person, wanted)
      tokens.push((await h.linkIn(person.id, 'email-change-requested', 'confirm-new-email')).token)
    }
    const answers = await Promise.all(tokens.map(confirmChange))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409])
  })

  test('a newer wish replaces an older one; a change of password ends it', async () => {
    const person = await h.register()
    await askChange(person, anAddress())
    const first = await h.linkIn(person.id, 'email-change-requested', 'confirm-new-email')
    await askChange(person, anAddress())
    const second = await h.linkIn(person.id, 'email-change-requested', 'confirm-new-email')
    assert.equal((await confirmChange(first.token)).body.code, 'user.link-invalid')
    const body = { password: person.password, newPassword: 'quite another one' }
    assert.equal((await h.post('/api/v1/users/me/password', body, { token: person.token })).status, 204)
    assert.equal((await confirmChange(second.token)).body.code, 'user.link-invalid')
    assert.equal((await me(person.token)).email, person.email)
  })

  test('bad input is refused with a stable code', async () => {
    const person = await h.register()
    const { token } = person
    const good = { newEmail: anAddress(), password: person.password }
    const cases: readonly [string, unknown, string | undefined, number, string][] = [
      ['/api/v1/users/me/email', good, undefined, 401, 'auth.required'],
      ['/api/v1/users/me/email', { ...good, newEmail: 'a@b.c\r\nBcc: x@y.z' }, token, 400, 'user.email-invalid'],
      ['/api/v1/users/me/email', { ...good, newEmail: person.email }, token, 409, 'user.email-unchanged'],
      ['/api/v1/users/me/email', { newEmail: good.newEmail }, token, 400, 'request.invalid'],
      ['/api/v1/users/me/email', { ...good, userId: randomUUID() }, token, 400, 'request.invalid'],
      ['/api/v1/users/me/email-verification', { email: good.newEmail }, token, 400, 'request.invalid'],
      ['/api/v1/auth/email-verifications/confirm', {}, undefined, 400, 'request.invalid'],
      ['/api/v1/auth/email-changes/confirm', { token: ['x'] }, undefined, 400, 'request.invalid'],
    ]
    for (const [url, body, bearer, status, code] of cases) {
      const answer = await h.post(url, body, bearer === undefined ? {} : { token: bearer })
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify([url, body]))
    }
  })
})
