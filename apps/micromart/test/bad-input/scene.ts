import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAccount } from '@micromart/proof/newcomer'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import { createShopper, type GuestCart, type Shopper } from '@micromart/proof/shopper'
import { freePortRange } from '@micromart/testkit/free-ports'
import { until } from '@micromart/testkit/until'
import { startOneProcess } from '../../src/start/one-process.ts'
import { openSecrets } from '../../src/start/secrets.ts'
import type { RunningShop } from '../../src/start/shop.ts'
import { type Doors, openDoors, startGithub } from './doors.ts'
import { email } from './nasty.ts'
import { openPeople, type People } from './people.ts'
import { openStores, type Stores } from './stores.ts'
import { type BadTokens, badTokens } from './tokens.ts'

/** A shop in which there is one of everything, so that bad input finds something to spoil. */
export interface Scene {
  readonly tokens: { readonly shopper: string; readonly staff: string; readonly admin: string }
  readonly badTokens: BadTokens
  /** Somebody who may be signed out and given roles, because nobody else needs them. */
  readonly spare: Spare
  readonly doors: Doors
  /** Made by the staff. */
  readonly apiKey: MachineKey
  readonly people: People
  readonly productId: string
  readonly sku: string
  /** Sold in euros. */
  readonly skuInEuros: string
  readonly otherHandle: string
  readonly otherProductId: string
  /** An open guest cart with one line. */
  readonly cart: GuestCart & { readonly lineId: string }
  /** Another one, to be checked out. */
  readonly fullCart: GuestCart
  readonly emptyCart: GuestCart
  readonly checkedOutCart: GuestCart
  readonly coupons: {
    readonly good: string
    readonly notYet: string
    readonly over: string
    readonly inEuros: string
    /** Put into this cart before somebody else had the last use. */
    readonly usedUp: { readonly code: string; readonly cart: GuestCart }
    /** A guest's order that is confirmed: nothing more happens to it. */
    readonly bought: { readonly id: string; readonly token: string }
  }
  /** Of the signed-in shopper. */
  readonly shoppersCartId: string
  /** A guest's, which waits until its payment is confirmed at `reference`. */
  readonly order: { readonly id: string; readonly token: string; readonly reference: string }
  /** What the provider has not decided yet. */
  readonly pending: { readonly orderId: string; readonly paymentId: string; readonly amount: object }
  /** As the sandbox provider signs. */
  signature(body: string, at?: Date): string
}

export interface Spare {
  readonly id: string
  readonly token: string
  readonly refreshToken: string
  readonly otherRefreshToken: string
  readonly otherSessionId: string
}

export interface MachineKey {
  readonly id: string
  readonly key: string
}

export interface OpenScene {
  readonly scene: Scene
  readonly stores: Stores
  readonly url: string
  /** What must not be in the log, beside whatever holds the canary. */
  readonly secrets: readonly string[]
  /** Closes the shop; what it has written into its log. */
  close(): Promise<string>
}

/** Nothing expires and nothing is decided while the test runs, everything is logged, and nobody is told to wait. */
const environment = {
  LOG_LEVEL: 'trace',
  RATE_LIMITS: 'all=999999/1',
  SANDBOX_SLOW_MS: '600000',
  PAYMENT_RECONCILE_MS: '600000',
  USER_ERASURE_AFTER_S: '86400', // later than this test
  USER_RECENT_SIGN_IN_S: '86400',
}

const PASSWORD = 'micromart-demo'

export async function openScene(): Promise<OpenScene> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-bad-input-'))
  const { PATH = '', HOME = '' } = process.env
  const github = await startGithub()
  const shop = await startOneProcess({
    port: await freePortRange(),
    dataDir,
    fresh: false,
    environment: { PATH, HOME, ...environment, USER_OIDC_PROVIDERS: github.providers },
    onProgress: () => {},
  })
  const stores = await openStores(shop.databases)
  const scene = await setUp(shop, stores, openSecrets(dataDir).of('sandbox webhook'))
  await stores.quiet()
  return {
    scene,
    stores,
    url: shop.url,
    secrets: secretsOf(scene),
    close: async () => {
      await stores.close()
      await shop.close()
      await github.close()
      const log = await readFile(join(dataDir, 'micromart.log'), 'utf8')
      await rm(dataDir, { recursive: true, force: true })
      return log
    },
  }
}

async function apiKey(shopper: Shopper, token: string): Promise<MachineKey> {
  const body = { name: 'Till', scopes: ['stock:read'] }
  const made = await shopper.call({ method: 'POST', path: '/api/v1/api-keys', body, headers: bearer(token) })
  return { id: made.body.id, key: made.body.key }
}

async function spare(shopper: Shopper): Promise<Spare> {
  const body = { email: email(), password: `${PASSWORD} spare`, name: 'Spare' }
  const first = await openAccount(shopper.call, body)
  const { name: _, ...credentials } = body
  const { body: other } = await shopper.call({ method: 'POST', path: '/api/v1/auth/login', body: credentials })
  const sessions = await shopper.call({
    ...{ method: 'GET', path: '/api/v1/users/me/sessions' },
    headers: bearer(other.accessToken),
  })
  return {
    ...{ id: first.user.id, token: first.accessToken, refreshToken: first.refreshToken },
    ...{ otherRefreshToken: other.refreshToken, otherSessionId: sessions.body.items[0].id },
  }
}

async function setUp(shop: RunningShop, stores: Stores, webhookSecret: string): Promise<Scene> {
  const shopper = createShopper(shop.url)
  try {
    const tokens = {
      shopper: await shopper.signIn('shopper@micromart.test', PASSWORD),
      staff: await shopper.signIn('staff@micromart.test', PASSWORD),
      admin: await shopper.signIn('admin@micromart.test', PASSWORD),
    }
    return {
      tokens,
      badTokens: await badTokens(tokens.shopper, stores.user),
      spare: await spare(shopper),
      doors: await openDoors(shop.url, shopper),
      apiKey: await apiKey(shopper, tokens.staff),
      people: await openPeople(shopper, stores.user),
      ...(await goods(shopper)),
      ...(await carts(shopper, tokens.shopper)),
      coupons: await coupons(shopper),
      signature: (body, at = new Date()) => signature(webhookSecret, body, at),
    }
  } finally {
    await shopper.close()
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function goods(shopper: Shopper) {
  const keeper = await openShopkeeper(shopper)
  const [sku, otherSku] = [await keeper.stocked(1_000), await keeper.stocked(1_000)]
  const product = async (handle: string) =>
    (await keeper.call({ method: 'GET', path: `/api/v1/products/${handle}` })).body
  const skuInEuros = `EUR-${randomUUID().slice(0, 8)}`
  const variants = [{ sku: skuInEuros, price: { minor: 1, currency: 'EUR' } }]
  const body = { handle: skuInEuros.toLowerCase(), title: 'In euros', variants }
  assert.equal((await keeper.call({ method: 'POST', path: '/api/v1/products', body })).status, 201)
  const other = await product(otherSku.toLowerCase())
  return {
    sku,
    skuInEuros,
    productId: (await product(sku.toLowerCase())).id as string,
    otherProductId: other.id as string,
    otherHandle: other.handle as string,
  }
}

async function coupons(shopper: Shopper): Promise<Scene['coupons']> {
  const keeper = await openShopkeeper(shopper)
  const sku = await keeper.stocked(10)
  const tenPercent = (limits: object = {}) => keeper.coupon({ kind: 'percent', percent: 10, ...limits })
  const code = await tenPercent({ mostUses: 1 })
  const withCoupon = async () => {
    const cart = await shopper.newCart()
    assert.equal((await shopper.add(cart, sku, 1)).status, 201)
    assert.equal((await shopper.applyCoupon(cart, code)).status, 200)
    return cart
  }
  const [first, second] = [await withCoupon(), await withCoupon()]
  const { status, body } = await shopper.checkout(first, { email: email() })
  assert.equal(status, 202)
  await eventually('the order with the last use', async () => {
    const { body: order } = await shopper.order(body.orderId, first.token)
    return order.status === 'confirmed'
  })
  return {
    good: await tenPercent({ mostUses: 1_000, mostUsesPerCustomer: 10 }),
    notYet: await tenPercent({ startsAt: '2999-01-01T00:00:00Z' }),
    over: await tenPercent({ endsAt: '2001-01-01T00:00:00Z' }),
    inEuros: await keeper.coupon({ kind: 'amount', amount: { minor: 100, currency: 'EUR' } }),
    usedUp: { code, cart: second },
    bought: { id: body.orderId as string, token: first.token },
  }
}

async function carts(shopper: Shopper, token: string) {
  const keeper = await openShopkeeper(shopper)
  const sku = await keeper.stocked(1_000)
  const full = async () => {
    const cart = await shopper.newCart()
    const { status, body } = await shopper.add(cart, sku, 2)
    assert.equal(status, 201)
    return { ...cart, lineId: body.lines[0].id as string }
  }
  const ordered = async (method: string) => {
    const cart = await full()
    const { status, body } = await shopper.checkout(cart, { method, email: email() })
    assert.equal(status, 202)
    return { cart, orderId: body.orderId as string }
  }
  const [action, slow] = [await ordered('sandbox:action'), await ordered('sandbox:slow')]
  const actionUrl = await eventually('something to confirm', async () => {
    const { body } = await shopper.order(action.orderId, action.cart.token)
    return body.payment?.actionUrl as string | undefined
  })
  const payment = await eventually('a pending payment', async () => {
    const { body } = await keeper.call({ method: 'GET', path: `/api/v1/payments/${slow.orderId}` })
    return body.status === 'pending' && body
  })
  const { body: own } = await shopper.call({ method: 'POST', path: '/api/v1/carts', body: {}, headers: bearer(token) })
  return {
    cart: await full(),
    fullCart: await full(),
    emptyCart: await shopper.newCart(),
    checkedOutCart: action.cart,
    shoppersCartId: own.id as string,
    order: { id: action.orderId, token: action.cart.token, reference: actionUrl.split('/').at(-1) ?? '' },
    pending: { orderId: slow.orderId, paymentId: payment.paymentId as string, amount: payment.amount as object },
  }
}

const eventually = <T>(what: string, ask: () => Promise<T | undefined | false>) =>
  until(ask, { withinMs: 20_000, what })

function signature(secret: string, body: string, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** A token's last part alone is enough to know it by. The demo password is none: the shop itself warns that everybody knows it. */
const secretsOf = ({
  tokens,
  badTokens,
  cart,
  fullCart,
  emptyCart,
  order,
  coupons,
  ...scene
}: Scene): readonly string[] => [
  ...Object.values(tokens).map((token) => token.split('.').at(-1) ?? token),
  ...Object.values(badTokens),
  ...Object.values(scene.people.tokens),
  ...[scene.spare.refreshToken, scene.spare.otherRefreshToken, scene.apiKey.key],
  ...[cart, fullCart, emptyCart, scene.checkedOutCart, coupons.usedUp.cart].map(({ token }) => token),
  order.reference,
  ...scene.doors.secrets,
]
