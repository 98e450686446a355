import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Accounts, type Person, startAccounts } from './account-harness.ts'

const address = {
  ...{ name: 'Ada Lovelace', line1: '1 High Street', line2: '', city: 'York', region: '' },
  ...{ postalCode: 'YO1 7HH', country: 'GB' },
}

describe('what people say of themselves', () => {
  let h: Accounts
  before(async () => {
    h = await startAccounts()
  })
  after(() => h.close())

  const get = (token: string, url = '/api/v1/users/me') => h.call({ method: 'GET', url, token })
  const patch = (token: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    h.call({ method: 'PATCH', url: '/api/v1/users/me', body, token, headers })
  const book = (token: string) => get(token, '/api/v1/users/me/addresses')
  const add = (token: string, body: unknown = address) => h.post('/api/v1/users/me/addresses', body, { token })
  const at = (id: string) => `/api/v1/users/me/addresses/${id}`

  test('a profile is read and changed, part by part', async () => {
    const { token } = await h.register()
    const first = await get(token)
    assert.deepEqual(
      [first.status, first.headers.get('etag'), first.headers.get('cache-control')],
      [200, '"1"', 'no-store'],
    )
    const changed = await patch(
      token,
      { name: ' Åsa ', locale: 'EN-gb', marketingConsent: true },
      { 'if-match': '"1"' },
    )
    assert.deepEqual([changed.status, changed.headers.get('etag')], [200, '"2"'])
    const { name, locale, marketingConsent } = changed.body
    assert.deepEqual({ name, locale, marketingConsent }, { name: 'Åsa', locale: 'en-GB', marketingConsent: true })
    assert.deepEqual((await get(token)).body, changed.body)
    const cleared = await patch(token, { locale: null, marketingConsent: false })
    assert.deepEqual([cleared.body.locale, cleared.body.marketingConsent, cleared.body.name], [null, false, 'Åsa'])
  })

  test('who has read an older profile changes nothing', async () => {
    const { token } = await h.register()
    await patch(token, { name: 'First' })
    const late = await patch(token, { name: 'Second' }, { 'if-match': '"1"' })
    assert.deepEqual([late.status, late.body.code], [412, 'user.version-mismatch'])
    assert.equal((await get(token)).body.name, 'First')
  })

  test('roles, address and whatever else is not one’s to set are refused', async () => {
    const { token, id } = await h.register()
    const before = (await get(token)).text
    for (const more of [
      { roles: ['admin'] },
      { email: 'x@example.com' },
      { emailVerified: true },
      { id: randomUUID() },
      { version: 9 },
      { passwordHash: 'x' },
      { closed_at: null },
      { createdAt: '2000-01-01T00:00:00.000Z' },
    ]) {
      const answer = await patch(token, { name: 'Eve', ...more })
      assert.deepEqual([answer.status, answer.body.code], [400, 'request.invalid'], JSON.stringify(more))
    }
    for (const [body, code] of [
      [{}, 'request.invalid'],
      [{ name: ' ' }, 'user.name-invalid'],
      [{ name: 'a\nb' }, 'user.name-invalid'],
      [{ locale: 'not a language' }, 'user.locale-invalid'],
      [{ locale: '../etc' }, 'user.locale-invalid'],
      [{ marketingConsent: 'yes' }, 'request.invalid'],
    ] as const)
      assert.equal((await patch(token, body)).body.code, code, JSON.stringify(body))
    assert.equal((await get(token)).text, before)
    assert.ok(before.includes(id))
  })

  test('addresses are added, changed and removed; one of them is the default', async () => {
    const { token } = await h.register()
    const first = await add(token, { ...address, isDefaultShipping: true, isDefaultBilling: true })
    assert.equal(first.status, 201)
    assert.equal(first.headers.get('location'), at(first.body.id))
    assert.deepEqual(first.body, { id: first.body.id, ...address, isDefaultShipping: true, isDefaultBilling: true })
    const second = await add(token, { ...address, city: 'Leeds', isDefaultShipping: true })
    assert.deepEqual([second.body.isDefaultShipping, second.body.isDefaultBilling], [true, false])
    const now = await get(token, at(first.body.id))
    assert.deepEqual([now.body.isDefaultShipping, now.headers.get('etag')], [false, '"1b"'])
    const moved = await h.call({
      ...{ method: 'PUT', url: at(first.body.id), token, body: { ...address, city: 'Hull' } },
      headers: { 'if-match': '"1b"' },
    })
    assert.deepEqual([moved.status, moved.body.city, moved.headers.get('etag')], [200, 'Hull', '"2b"'])
    const late = await h.call({
      ...{ method: 'PUT', url: at(first.body.id), token, body: address, headers: { 'if-match': '"1b"' } },
    })
    assert.deepEqual([late.status, late.body.code], [412, 'user.address-version-mismatch'])
    assert.equal((await h.call({ method: 'DELETE', url: at(second.body.id), token })).status, 204)
    const { items } = (await book(token)).body
    assert.deepEqual(items, [{ ...moved.body }])
    const [row] = await h.database.query('SELECT 1 FROM users WHERE default_shipping_id = $1', [second.body.id])
    assert.equal(row, undefined, 'what is gone is no default')
  })

  test('an address that is somebody else’s and one that is nobody’s are the same to the byte', async () => {
    const [owner, stranger] = [await h.register(), await h.register()]
    const { body } = await add(owner.token)
    const headers = h.sameTrace
    const answers = async (id: string) => {
      const all = []
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const call = {
          method,
          url: at(id),
          token: stranger.token,
          headers,
          ...(method === 'PUT' ? { body: address } : {}),
        }
        const { status, text } = await h.call(call)
        all.push([status, text])
      }
      return all
    }
    const theirs = await answers(body.id)
    assert.deepEqual(theirs, await answers(randomUUID()))
    assert.deepEqual(theirs, await answers('no-id-at-all'))
    assert.ok(theirs.every(([status]) => status === 404))
    assert.equal((await book(owner.token)).body.items.length, 1)
  })

  test('there is an end to the addresses of one person, also when they come at once', async () => {
    const { token } = await h.register()
    for (let count = 0; count < 48; count++) assert.equal((await add(token)).status, 201)
    const answers = await Promise.all([1, 2, 3, 4].map(() => add(token)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409, 409])
    assert.equal(answers.find(({ status }) => status === 409)?.body.code, 'user.too-many-addresses')
    assert.equal((await book(token)).body.items.length, 50)
  })

  test('bad addresses are refused as at the checkout', async () => {
    const { token } = await h.register()
    const { city: _, ...withoutCity } = address
    const cases: readonly [unknown, number, string][] = [
      [{ ...address, country: 'UK1' }, 400, 'request.invalid'],
      [{ ...address, country: 'gb' }, 400, 'request.invalid'],
      [{ ...address, name: '' }, 400, 'request.invalid'],
      [{ ...address, name: 'Ada\r\nEve' }, 400, 'request.invalid'],
      [{ ...address, line1: 'x'.repeat(201) }, 400, 'request.invalid'],
      [{ ...address, userId: randomUUID() }, 400, 'request.invalid'],
      [{ ...address, id: randomUUID() }, 400, 'request.invalid'],
      [{ ...address, isDefaultShipping: 'true' }, 400, 'request.invalid'],
      [withoutCity, 400, 'request.invalid'],
      [{ ...address, line2: 'card 4242 4242 4242 4242' }, 422, 'user.card-number'],
    ]
    for (const [body, status, code] of cases) {
      const answer = await add(token, body)
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(body))
    }
    assert.deepEqual((await book(token)).body, { items: [] })
  })
})

describe('closing an account', () => {
  let h: Accounts
  before(async () => {
    h = await startAccounts()
  })
  after(() => h.close())

  const close = (person: Pick<Person, 'token' | 'password'>, password = person.password) =>
    h.post('/api/v1/users/me/close', { password }, { token: person.token })

  test('nobody signs in to it again, its links end, its address is free, and where to write to stays known', async () => {
    const person = await h.register()
    await h.post('/api/v1/users/me/addresses', address, { token: person.token })
    const link = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    const wrong = await close(person, 'not the password')
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'user.wrong-password'])
    assert.equal((await close(person)).status, 204)
    assert.equal((await h.login(person.email, person.password)).status, 401)
    assert.equal((await h.refresh(person.refreshToken)).body.code, 'user.refresh-token-invalid')
    for (const url of ['/api/v1/users/me', '/api/v1/users/me/addresses']) {
      const answer = await h.call({ method: 'GET', url, token: person.token })
      assert.ok(answer.status === 401 || answer.body.items.length === 0, url)
    }
    const again = await close(person)
    assert.deepEqual([again.status, again.body.code], [401, 'auth.invalid-token'])
    const verified = await h.post('/api/v1/auth/email-verifications/confirm', { token: link.token })
    assert.equal(verified.body.code, 'user.link-invalid')
    assert.deepEqual(await h.messagesOf(person.id, 'account-closed'), [{ userId: person.id }])
    assert.equal((await h.mail('account-closed', { userId: person.id })).email, person.email)
    assert.equal((await h.users.getContact({ userId: person.id })).email, person.email)
    assert.deepEqual(await h.auditOf(person.id), ['user.reauthentication-failed', 'user.account-closed'])
    const successor = await h.register(person.email)
    assert.notEqual(successor.id, person.id)
    assert.equal((await h.users.getContact({ userId: successor.id })).email, person.email)
  })

  test('a reset asked for before does not open it, and none is mailed afterwards', async () => {
    const person = await h.register()
    await h.post('/api/v1/auth/password-resets', { email: person.email })
    await h.runTimers()
    const { token } = await h.linkIn(person.id, 'password-reset-requested', 'reset-password')
    assert.equal((await close(person)).status, 204)
    const body = { token, newPassword: 'quite another one' }
    assert.equal((await h.post('/api/v1/auth/password-resets/confirm', body)).body.code, 'user.link-invalid')
    await h.post('/api/v1/auth/password-resets', { email: person.email })
    await h.runTimers()
    assert.equal((await h.messagesOf(person.id, 'password-reset-requested')).length, 1)
  })

  test('the last admin stays, also when the last two leave at the same moment', async () => {
    const password = 'micromart-demo'
    const admin = (await h.login('admin@micromart.test', password)).body
    const refused = await close({ token: admin.accessToken, password })
    assert.deepEqual([refused.status, refused.body.code], [409, 'user.last-admin'])
    const other = await h.register()
    const call = { method: 'PUT', url: `/api/v1/users/${other.id}/roles`, body: { roles: ['admin'] } }
    assert.equal((await h.call({ ...call, token: admin.accessToken })).status, 200)
    const answers = await Promise.all([close({ token: admin.accessToken, password }), close(other)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409])
  })
})
