import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { keepers, PersonErased } from '@micromart/contracts/personal-data'
import { until } from '@micromart/testkit/until'
import { type Accounts, type Person, startAccounts } from './account-harness.ts'
import { startKeepers } from './keepers-server.ts'

const LOOK_AGAIN_MS = 15_000

describe('what the shop knows about a person', () => {
  let shop: Accounts
  let others: Awaited<ReturnType<typeof startKeepers>>
  let ada: Person
  before(async () => {
    others = await startKeepers()
    shop = await startAccounts(others.env)
  })
  after(async () => {
    await shop?.close()
    others?.close()
  })
  beforeEach(async () => {
    Object.assign(others.state, { orders: [], isAway: false })
    ada = await shop.register()
  })

  const get = (url: string, token?: string) =>
    shop.call({ method: 'GET', url, headers: shop.sameTrace, ...(token === undefined ? {} : { token }) })
  const erase = (password = ada.password) => shop.post('/api/v1/users/me/erasure', { password }, { token: ada.token })
  const receipt = async (location: string) => (await get(location)).body
  const requests = async () =>
    (await shop.outbox())
      .filter(({ type, data }) => type === 'micromart.user.erasure-requested.v1' && data['userId'] === ada.id)
      .map(({ data }) => data as { erasureId: string; orderIds: string[] })
  const usersRow = () => shop.database.query('SELECT 1 FROM users WHERE id = $1', [ada.id])
  const nothing = { erased: [], kept: [] }

  describe('an export', () => {
    const request = async () => (await shop.post('/api/v1/users/me/exports', undefined, { token: ada.token })).body

    test('holds what this service and the others know', async () => {
      const orderId = randomUUID()
      others.state.orders = [{ orderId, isOpen: true }]
      const { id } = await request()
      await shop.runTimers()
      const { body } = await get(`/api/v1/users/me/exports/${id}/document`, ada.token)
      assert.equal(body.user.account[0].email, ada.email)
      assert.equal(body.user.sessions.length, 1)
      for (const keeper of keepers) assert.deepEqual(body[keeper], { userId: ada.id, orderIds: [orderId] })
    })

    test('waits for a service that is away; asked for again it is the same one', async () => {
      others.state.isAway = true
      const asked = others.state.asked
      const { id } = await request()
      await until(async () => others.state.asked > asked, { what: 'a try' })
      assert.equal((await get(`/api/v1/users/me/exports/${id}`, ada.token)).body.status, 'collecting')
      assert.equal((await get(`/api/v1/users/me/exports/${id}/document`, ada.token)).status, 404)
      assert.equal((await request()).id, id)
      others.state.isAway = false
      await until(
        async () => {
          shop.clock.advance(1_000)
          return (await get(`/api/v1/users/me/exports/${id}`, ada.token)).body.status === 'ready'
        },
        { what: 'the export' },
      )
    })

    test("somebody else's, none and an expired one look the same", async () => {
      const { id } = await request()
      await shop.runTimers()
      const bob = await shop.register()
      const path = (of: string) => `/api/v1/users/me/exports/${of}/document`
      const theirs = await get(path(id), bob.token)
      const none = await get(path(randomUUID()), bob.token)
      assert.equal(theirs.status, 404)
      assert.equal(theirs.text, none.text)
      await shop.database.query('UPDATE data_exports SET expires_at = $2 WHERE id = $1', [id, shop.clock.now()])
      assert.equal((await get(path(id), ada.token)).text, none.text)
    })
  })

  describe('an erasure', () => {
    test('needs the password, and closes the account at once', async () => {
      assert.deepEqual([(await erase('not this one')).status, (await erase()).status], [403, 202])
      assert.equal((await shop.login(ada.email, ada.password)).body.code, 'user.bad-credentials')
      assert.equal((await erase()).status, 401)
    })

    test('waits until no order is open, then asks everybody once', async () => {
      const orderId = randomUUID()
      others.state.orders = [{ orderId, isOpen: true }]
      await erase()
      shop.clock.advance(20_000)
      await shop.runTimers()
      assert.deepEqual(await requests(), [])
      others.state.orders = [{ orderId, isOpen: false }]
      shop.clock.advance(LOOK_AGAIN_MS)
      await shop.runTimers()
      assert.deepEqual(
        (await requests()).map(({ orderIds }) => orderIds),
        [[orderId]],
      )
    })

    test('erases the account after the last answer, whatever comes twice; the receipt says what went and what stays', async () => {
      const location = (await erase()).headers.get('location') ?? ''
      assert.deepEqual((await receipt(location)).status, 'waiting')
      shop.clock.advance(20_000)
      await shop.runTimers()
      const [request] = await requests()
      assert.ok(request)
      const { erasureId } = request
      for (const keeper of keepers) {
        assert.equal((await usersRow()).length, 1)
        assert.equal((await receipt(location)).status, 'asked')
        await shop.deliver(PersonErased[keeper], { erasureId, report: nothing })
      }
      assert.equal((await usersRow()).length, 0)
      const { status, parts } = await receipt(location)
      assert.equal(status, 'done')
      assert.deepEqual(
        parts.map(({ service }: { service: string }) => service),
        ['cart', 'notification', 'order', 'payment', 'user'],
      )
      const rows = await shop.database.query('SELECT user_id FROM erasures WHERE id = $1', [erasureId])
      assert.deepEqual(rows, [{ user_id: null }])
    })

    test('a report about an erasure that nobody asked for changes nothing', async () => {
      for (const keeper of keepers)
        await shop.deliver(PersonErased[keeper], { erasureId: randomUUID(), report: nothing })
      assert.equal((await usersRow()).length, 1)
    })

    test('a receipt is opened by its token alone', async () => {
      assert.equal((await get('/api/v1/erasure-receipts/guessed')).body.code, 'user.receipt-unknown')
    })
  })

  test('every table that knows a person is known to export and erasure', async () => {
    const rows = await shop.database.query<{ table: string }>(
      `SELECT table_name AS "table" FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name IN ('user_id', 'owner_id') ORDER BY table_name`,
    )
    assert.deepEqual(
      rows.map(({ table }) => table),
      [
        ...['account_links', 'addresses', 'api_keys', 'closed_accounts', 'data_exports', 'erasures', 'identities'],
        ...['provider_rounds', 'recovery_codes', 'sessions', 'sign_in_challenges', 'totp_factors'],
      ],
    )
  })
})
