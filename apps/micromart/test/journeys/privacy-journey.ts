import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openAccount } from '@micromart/proof/newcomer'
import type { Call } from '@micromart/proof/shopper'
import { until } from '@micromart/testkit/until'
import { Client } from 'pg'
import type { ShopUnderTest } from './shop-under-test.ts'

const PASSWORD = 'a long enough password'
const PATIENCE_MS = 60_000

/** A word that stands nowhere by itself: where it turns up, somebody's data is. */
const canary = (of: string) => `canary${of}${randomUUID().replaceAll('-', '').slice(0, 12)}`

export function privacyJourney(shop: () => ShopUnderTest) {
  test('told all that is known, then forgotten everywhere, with a receipt', async () => {
    const person = { name: canary('name'), mailbox: canary('mail'), street: canary('street'), book: canary('book') }
    const device = canary('device')
    const canaries = [...Object.values(person), device]
    const email = `${person.mailbox}@example.com`
    const call = await register({ email, name: person.name, device })
    await buyAs(call, person)
    await shop().mails(email, 'order-confirmed', 'verify-email')

    const before = await findings(shop(), canaries)
    for (const [index, word] of canaries.entries())
      assert.ok(before[index]?.length, `${word} was to be found before the erasure`)

    const { document, text } = await exported(call)
    for (const word of canaries) assert.match(text, new RegExp(word), `${word} is missing in the export`)
    assert.deepEqual(Object.keys(document), ['collectedAt', 'user', 'cart', 'order', 'payment', 'notification'])

    const wrong = await call('POST', '/api/v1/users/me/erasure', { password: 'not this one' })
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'user.wrong-password'])
    const { status, headers } = await call('POST', '/api/v1/users/me/erasure', { password: PASSWORD })
    assert.equal(status, 202)
    const receipt = await until(
      async () => {
        const { body } = await shop().call({ method: 'GET', path: String(headers['location']) })
        return body.status === 'done' && body
      },
      { withinMs: PATIENCE_MS, what: 'the receipt' },
    )
    const services = receipt.parts.map(({ service }: { service: string }) => service)
    assert.deepEqual(services, ['cart', 'notification', 'order', 'payment', 'user'])
    const after = await findings(shop(), canaries)
    assert.deepEqual(
      after,
      canaries.map(() => []),
    )
    const login = await shop().call({ method: 'POST', path: '/api/v1/auth/login', body: { email, password: PASSWORD } })
    assert.deepEqual([login.status, login.body.code], [401, 'user.bad-credentials'])
  })

  type Ask = Awaited<ReturnType<typeof register>>

  async function register({ email, name, device }: { email: string; name: string; device: string }) {
    const fromDevice = (call: Call) =>
      shop().call({ ...call, headers: { 'user-agent': device, ...(call.method === 'POST' ? freshKey() : {}) } })
    const { accessToken } = await openAccount(fromDevice, { email, password: PASSWORD, name })
    const headers = { authorization: `Bearer ${accessToken}` }
    /** Every write has a key, so that its answer is kept and has to be forgotten too. */
    return (method: 'GET' | 'POST', path: string, body?: unknown) =>
      shop().call({ method, path, body, headers: { ...headers, ...(method === 'POST' ? freshKey() : {}) } })
  }

  async function buyAs(call: Ask, { name, street, book }: Readonly<Record<'name' | 'street' | 'book', string>>) {
    const sku = await shop().stocked(1)
    const address = { name, line1: street, city: 'York', postalCode: 'YO1', country: 'GB' }
    assert.equal((await call('POST', '/api/v1/users/me/addresses', { ...address, line1: book })).status, 201)
    const { body: cart } = await call('POST', '/api/v1/carts', {})
    assert.equal((await call('POST', `/api/v1/carts/${cart.id}/items`, { sku, quantity: 1 })).status, 201)
    const wish = { shippingAddress: address, payment: { method: 'sandbox:success' } }
    const { status, body } = await call('POST', `/api/v1/carts/${cart.id}/checkout`, wish)
    assert.equal(status, 202)
    await until(async () => (await call('GET', `/api/v1/orders/${body.orderId}`)).body.status === 'confirmed', {
      ...{ withinMs: PATIENCE_MS, what: 'a confirmed order' },
    })
  }

  async function exported(call: Ask) {
    const { body: wanted } = await call('POST', '/api/v1/users/me/exports')
    const path = `/api/v1/users/me/exports/${wanted.id}`
    await until(async () => (await call('GET', path)).body.status === 'ready', {
      ...{ withinMs: PATIENCE_MS, what: 'the export' },
    })
    const { status, body, text } = await call('GET', `${path}/document`)
    assert.equal(status, 200)
    return { document: body as object, text }
  }
}

const freshKey = () => ({ 'idempotency-key': randomUUID() })

/** Where each word stands: in any row of any table of any database, in any log. */
async function findings({ shop }: ShopUnderTest, words: readonly string[]): Promise<readonly (readonly string[])[]> {
  const places: [string, string][] = []
  for (const [name, url] of Object.entries(shop.databases)) places.push(...(await tablesOf(name, url)))
  for await (const file of glob(join(shop.dataDir, '**', '*.log'))) places.push([file, await readFile(file, 'utf8')])
  return words.map((word) => places.filter(([, text]) => text.includes(word)).map(([place]) => place))
}

async function tablesOf(database: string, connectionString: string): Promise<[string, string][]> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
    )
    const places: [string, string][] = []
    for (const { tablename } of rows) {
      const all = await client.query(`SELECT string_agg(row::text, E'\\n') AS text FROM "${tablename}" AS row`)
      places.push([`${database}.${tablename}`, all.rows[0].text ?? ''])
    }
    return places
  } finally {
    await client.end()
  }
}
