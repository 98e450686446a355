import assert from 'node:assert/strict'
import { createPrivateKey, randomUUID, sign as signWith } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOneProcess } from '@micromart/cli/start/one-process'
import type { RunningShop } from '@micromart/cli/start/shop'
import { type Database, openDatabase } from '@micromart/postgres/database'
import { freePortRange } from '@micromart/testkit/free-ports'
import { CLIENT_ID, type ScriptedIssuer, startScriptedIssuer } from '@micromart/testkit/scripted-issuer'
import { until } from '@micromart/testkit/until'
import type { JWK } from 'jose'
import { openAccount } from '../../src/newcomer.ts'
import { openShopkeeper, type Shopkeeper } from '../../src/shopkeeper.ts'
import { ADDRESS, type Answer, type Call, createShopper, type GuestCart, type Shopper } from '../../src/shopper.ts'
import { unlimited } from '../../src/unlimited.ts'

export interface Person {
  readonly id: string
  readonly email: string
  readonly token: string
}

/** One whole shop with two customers, staff and an admin in it, and what the attackers know of it. */
export interface Scene {
  readonly url: string
  readonly shopper: Shopper
  readonly keeper: Shopkeeper
  readonly people: Readonly<Record<'victim' | 'attacker' | 'staff' | 'admin', Person>>
  readonly sku: string
  database(name: keyof RunningShop['databases']): Database
  call(call: Call, token?: string): Promise<Answer>
  /** A cart of the victim with one piece in it. */
  victimsCart(): Promise<string>
  guestCart(): Promise<GuestCart>
  /** What opens the carts and orders of guests, by their ids. */
  readonly guestTokens: ReadonlyMap<string, string>
  /** Of the victim; waits until the order can be read. */
  victimsOrder(): Promise<string>
  guestOrder(): Promise<{ readonly id: string; readonly token: string }>
  /** As the shop itself signs: what is refused then is not refused for its signature. */
  sign(change?: { header?: object; claims?: object }): string
  /** The providers that one can sign in with, by their names; they say whatever an attack wants. */
  readonly issuers: Readonly<Record<'scripted' | 'other', ScriptedIssuer>>
  /** The public key as it is published. */
  readonly publicJwk: JWK
  /** Three letters that no cart has had. */
  newCurrency(): string
  log(): Promise<string>
  close(): Promise<void>
}

/** Of the demo accounts. */
export const PASSWORD = 'micromart-demo'
/** Of those who open an account. */
export const NEW_PASSWORD = 'a long enough password'
const PATIENCE_MS = 60_000

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Everybody comes from one address here, so nothing is limited unless told otherwise. */
export async function openScene(environment: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-security-'))
  const { PATH = '', HOME = '' } = process.env
  const issuers = { scripted: await startScriptedIssuer(), other: await startScriptedIssuer() }
  const closeIssuers = () => Promise.all(Object.values(issuers).map((each) => each.close()))
  const shop = await startOneProcess({
    port: await freePortRange(),
    dataDir,
    fresh: false,
    environment: { PATH, HOME, LOG_LEVEL: 'info', ...unlimited, ...signInWith(issuers), ...environment },
    onProgress: () => {},
  })
  const databases = new Map<string, Database>()
  const close = async () => {
    for (const database of databases.values()) await database.close()
    await shop.close()
    await closeIssuers()
    await rm(dataDir, { recursive: true, force: true })
  }
  const database: Scene['database'] = (name) => {
    const open = databases.get(name) ?? openDatabase({ url: shop.databases[name], poolSize: 2 })
    databases.set(name, open)
    return open
  }
  try {
    return await furnish({ shop, database, close, issuers, logFile: join(dataDir, 'micromart.log') })
  } catch (error) {
    await close()
    throw error
  }
}

const signInWith = (issuers: Scene['issuers']) => ({
  USER_OIDC_PROVIDERS: JSON.stringify(
    Object.entries(issuers).map(([name, { issuer }]) => ({
      ...{ name, issuer, clientId: CLIENT_ID, clientSecret: 'a secret of the scene', privateNetwork: true },
    })),
  ),
})

interface Bare {
  readonly shop: RunningShop
  readonly issuers: Scene['issuers']
  readonly database: Scene['database']
  readonly logFile: string
  close(): Promise<void>
}

async function furnish({ shop, database, close, issuers, logFile }: Bare): Promise<Scene> {
  const shopper = createShopper(shop.url)
  const keeper = await openShopkeeper(shopper)
  const call: Scene['call'] = ({ headers, ...what }, token) =>
    shopper.call({ ...what, headers: { ...headers, ...(token === undefined ? {} : bearer(token)) } })
  const signIn = async (email: string): Promise<Person> => {
    const token = await shopper.signIn(email, PASSWORD)
    const { body } = await call({ method: 'GET', path: '/api/v1/users/me' }, token)
    return { id: body.id, email, token }
  }
  const people = {
    victim: await signIn('shopper@micromart.test'),
    attacker: await register(call),
    staff: await signIn('staff@micromart.test'),
    admin: await signIn('admin@micromart.test'),
  }
  const sku = await keeper.stocked(1_000)
  const signing = await openSigner(database('user'), people.victim)
  return {
    ...{ url: shop.url, shopper, keeper, people, sku, database, call, issuers },
    ...possessions({ call, shopper, sku, victim: people.victim }),
    ...signing,
    newCurrency: currencies(),
    log: () => readFile(logFile, 'utf8'),
    close: () => shopper.close().then(close),
  }
}

function currencies(): () => string {
  let count = 0
  return () => {
    count += 1
    return `Q${String.fromCharCode(65 + Math.floor(count / 26), 65 + (count % 26))}`
  }
}

async function register(call: Scene['call']): Promise<Person> {
  const email = `${randomUUID()}@example.com`
  const { user, accessToken } = await openAccount(call, { email, password: NEW_PASSWORD, name: 'Mallory' })
  return { id: user.id, email, token: accessToken }
}

function possessions({
  call,
  shopper,
  sku,
  victim,
}: Pick<Scene, 'call' | 'shopper' | 'sku'> & { victim: Person }): Pick<
  Scene,
  'victimsCart' | 'victimsOrder' | 'guestCart' | 'guestOrder' | 'guestTokens'
> {
  const victimsCart = async () => {
    const { body } = await call({ method: 'POST', path: '/api/v1/carts', body: {} }, victim.token)
    const added = await call(
      { method: 'POST', path: `/api/v1/carts/${body.id}/items`, body: { sku, quantity: 1 } },
      victim.token,
    )
    assert.equal(added.status, 201, added.text)
    return body.id as string
  }
  const guestTokens = new Map<string, string>()
  const guestCart = async () => {
    const cart = await shopper.newCart()
    guestTokens.set(cart.id, cart.token)
    const added = await shopper.add(cart, sku, 1)
    assert.equal(added.status, 201, added.text)
    return cart
  }
  const whenConfirmed = (id: string, read: () => Promise<Answer>) =>
    until(async () => (await read()).body?.status === 'confirmed' && id, { what: `order ${id}`, withinMs: PATIENCE_MS })
  return {
    victimsCart,
    guestCart,
    guestTokens,
    victimsOrder: async () => {
      const cart = await victimsCart()
      const body = { shippingAddress: ADDRESS, payment: { method: 'sandbox:success' } }
      const headers = { 'idempotency-key': randomUUID() }
      const answer = await call({ method: 'POST', path: `/api/v1/carts/${cart}/checkout`, headers, body }, victim.token)
      assert.equal(answer.status, 202, answer.text)
      const { orderId } = answer.body
      return whenConfirmed(orderId, () => call({ method: 'GET', path: `/api/v1/orders/${orderId}` }, victim.token))
    },
    guestOrder: async () => {
      const { token, ...cart } = await guestCart()
      const { body } = await shopper.checkout({ ...cart, token })
      guestTokens.set(body.orderId, token)
      return { id: await whenConfirmed(body.orderId, () => shopper.order(body.orderId, token)), token }
    },
  }
}

async function openSigner(database: Database, victim: Person): Promise<Pick<Scene, 'sign' | 'publicJwk'>> {
  const decoded = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
  const [header, payload] = victim.token.split('.')
  const [key] = await database.query<{ kid: string; jwk: JWK }>(
    'SELECT kid, private_jwk AS jwk FROM signing_keys WHERE kid = $1',
    [decoded(header).kid],
  )
  assert.ok(key)
  const privateKey = createPrivateKey({ key: { ...key.jwk }, format: 'jwk' })
  const genuine = decoded(payload)
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const sign: Scene['sign'] = ({ header, claims } = {}) => {
    const text = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...header })}.${encode({ ...genuine, ...claims })}`
    return `${text}.${signWith(null, Buffer.from(text), privateKey).toString('base64url')}`
  }
  const { d: _, ...publicJwk } = key.jwk
  return {
    sign,
    publicJwk: { ...publicJwk, kid: key.kid },
  }
}
