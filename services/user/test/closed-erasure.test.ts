import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keepers, PersonErased } from '@micromart/contracts/personal-data'
import { type Accounts, type Person, startAccounts } from './account-harness.ts'
import { startKeepers } from './keepers-server.ts'

const ASK = '/api/v1/auth/erasure-requests'

describe('forgetting somebody whose account is closed', () => {
  let h: Accounts
  let others: Awaited<ReturnType<typeof startKeepers>>
  before(async () => {
    others = await startKeepers()
    h = await startAccounts(others.env)
  })
  after(async () => {
    await h?.close()
    others?.close()
  })

  const closed = async (email?: string): Promise<Person> => {
    const person = await h.register(email)
    const { password, token } = person
    assert.equal((await h.post('/api/v1/users/me/close', { password }, { token })).status, 204)
    return person
  }
  const ask = (email: string) => h.post(ASK, { email }, { headers: h.sameTrace })
  const confirm = (token: string) => h.post(`${ASK}/confirm`, { token })
  const linkFor = async (person: Person) => {
    assert.equal((await ask(person.email)).status, 202)
    await h.runTimers()
    return h.linkIn(person.id, 'erasure-link-requested', 'confirm-erasure')
  }
  const signIn = async (name: string) => {
    const { body } = await h.login(`${name}@micromart.test`, 'micromart-demo')
    return { id: body.user.id as string, token: body.accessToken as string }
  }
  const start = (id: string, token: string) => h.post(`/api/v1/users/${id}/erasure`, undefined, { token })
  const usersRow = ({ id }: Person) => h.database.query('SELECT 1 FROM users WHERE id = $1', [id])
  /** Everybody has answered. */
  const goesThrough = async (person: Person) => {
    h.clock.advance(20_000)
    await h.runTimers()
    const [request] = (await h.outbox()).filter(
      ({ type, data }) => type.includes('erasure-requested') && data['userId'] === person.id,
    )
    const erasureId = String(request?.data['erasureId'])
    for (const keeper of keepers) await h.deliver(PersonErased[keeper], { erasureId, report: { erased: [], kept: [] } })
    assert.equal((await usersRow(person)).length, 0)
  }

  test('whoever reads its mail asks for it, once, and has the receipt', async () => {
    const person = await closed()
    const { token, email, link } = await linkFor(person)
    assert.equal(email, person.email)
    assert.match(link, /\/account\/confirm-erasure#token=/)
    const { status, body, headers } = await confirm(token)
    assert.deepEqual([status, body.status, headers.get('cache-control')], [202, 'waiting', 'no-store'])
    assert.equal((await confirm(token)).body.code, 'user.link-invalid')
    const second = await linkFor(person)
    assert.equal((await confirm(second.token)).body.code, 'user.erasure-running')
    await goesThrough(person)
    const receipt = await h.call({ method: 'GET', url: headers.get('location') ?? '' })
    assert.equal(receipt.body.status, 'done')
    assert.equal((await confirm(second.token)).body.code, 'user.link-invalid')
    assert.deepEqual(await h.auditOf(person.id), [
      'user.account-closed',
      'user.erasure-link-requested',
      'user.erasure-requested',
      'user.erasure-link-requested',
    ])
  })

  test('who asks does not learn who had an account: open, closed and unknown get one answer, and one row each', async () => {
    const [open, gone] = [await h.register(), await closed()]
    const rows = () => h.database.query(`SELECT 1 FROM timers WHERE kind = 'request-erasure'`)
    for (const email of [open.email, gone.email, `${randomUUID()}@example.com`]) {
      const { status, text } = await ask(email)
      assert.deepEqual([status, text], [202, ''])
    }
    await h.runTimers()
    assert.deepEqual(await rows(), [])
    assert.deepEqual(await h.messagesOf(open.id, 'erasure-link-requested'), [])
    assert.equal((await h.messagesOf(gone.id, 'erasure-link-requested')).length, 1)
  })

  test('somebody who has the address now keeps their account: each link is of one account that is closed', async () => {
    const before = await closed()
    const now = await h.register(before.email)
    const { token } = await linkFor(before)
    assert.equal((await confirm(token)).status, 202)
    await goesThrough(before)
    assert.equal((await usersRow(now)).length, 1)
    assert.equal((await h.login(now.email, now.password)).status, 200)
  })

  test('a link ends after ten minutes, and one of another kind opens nothing', async () => {
    const person = await h.register()
    const verify = await h.linkIn(person.id, 'email-verification-requested', 'verify-email')
    assert.equal((await confirm(verify.token)).body.code, 'user.link-invalid')
    assert.equal((await confirm('x'.repeat(64))).body.code, 'user.link-invalid')
    const { token } = await linkFor(await closed())
    h.clock.advance(600_000)
    assert.equal((await confirm(token)).body.code, 'user.link-invalid')
  })

  test('nobody is flooded: five such mails in an hour, known or not', async () => {
    const person = await closed()
    for (const email of [person.email, `${randomUUID()}@example.com`]) {
      const statuses = []
      for (let count = 0; count < 6; count++) statuses.push((await ask(email)).status)
      assert.deepEqual(statuses, [202, 202, 202, 202, 202, 429])
    }
  })

  test('an admin starts it for a closed account and for no other, and it is written down who did', async () => {
    const [admin, staff, person, open] = [
      await signIn('admin'),
      await signIn('staff'),
      await closed(),
      await h.register(),
    ]
    for (const { token } of [staff, open]) assert.deepEqual((await start(person.id, token)).body.code, 'auth.forbidden')
    for (const id of [randomUUID(), 'x']) assert.equal((await start(id, admin.token)).body.code, 'user.unknown')
    const refused = await start(open.id, admin.token)
    assert.deepEqual([refused.status, refused.body.code], [409, 'user.account-open'])
    const { status, body } = await start(person.id, admin.token)
    assert.deepEqual([status, Object.keys(body)], [202, ['status', 'receiptToken']])
    assert.equal((await start(person.id, admin.token)).body.code, 'user.erasure-running')
    const audited = await h.database.query(`SELECT actor FROM audit_log WHERE subject = $1 AND action = $2`, [
      person.id,
      'user.erasure-requested',
    ])
    assert.deepEqual(audited, [{ actor: admin.id }])
    await goesThrough(person)
  })
})
