import { randomUUID } from 'node:crypto'
import type { Answer, Call, Shopper } from './shopper.ts'

/** Somebody on the shop's staff, through the public API. */
export interface Shopkeeper {
  call(call: Omit<Call, 'headers'>): Promise<Answer>
  /** A new product at 12.50 USD that nobody has counted yet; answers its SKU. */
  listed(): Promise<string>
  /** A new product with so many pieces on hand; answers its SKU. */
  stocked(quantity: number): Promise<string>
  /** A new coupon, such as `{ kind: 'percent', percent: 10, mostUses: 5 }`; answers its code. */
  coupon(terms: object): Promise<string>
  /** The SKU has so many pieces on hand from now on. */
  restock(sku: string, quantity: number): Promise<void>
}

export interface StaffAccount {
  readonly email: string
  readonly password: string
}

/** What a shop in development has. */
const demoAccount: StaffAccount = { email: 'admin@micromart.test', password: 'micromart-demo' }

/** Signs in, with the demo account of a shop in development if no other is given. */
export async function openShopkeeper(shopper: Shopper, { email, password } = demoAccount): Promise<Shopkeeper> {
  let token = await shopper.signIn(email, password)
  const withToken: Shopkeeper['call'] = (what) =>
    shopper.call({ ...what, headers: { authorization: `Bearer ${token}` } })
  const call: Shopkeeper['call'] = async (what) => {
    const answer = await withToken(what)
    if (answer.status !== 401) return answer
    token = await shopper.signIn(email, password) // a token is good for minutes, and nothing was done with it
    return withToken(what)
  }
  const restock = async (sku: string, quantity: number) => {
    const body = { items: [{ sku, quantity }], overwrite: true }
    expectStatus(200, await call({ method: 'POST', path: '/api/v1/inventory/opening-stock', body }))
  }
  const listed = async () => {
    const sku = `TEST-${randomUUID().slice(0, 8).toUpperCase()}`
    const variants = [{ sku, price: { minor: 1250, currency: 'USD' } }]
    const body = { handle: sku.toLowerCase(), title: `Product ${sku}`, variants }
    expectStatus(201, await call({ method: 'POST', path: '/api/v1/products', body }))
    return sku
  }
  return {
    call,
    listed,
    restock,
    coupon: async (terms) => {
      const code = `TEST-${randomUUID().slice(0, 8).toUpperCase()}`
      expectStatus(201, await call({ method: 'POST', path: '/api/v1/coupons', body: { code, ...terms } }))
      return code
    },
    stocked: async (quantity) => {
      const sku = await listed()
      await restock(sku, quantity)
      return sku
    },
  }
}

function expectStatus(expected: number, { status, text }: Answer) {
  if (status !== expected) throw new Error(`expected ${expected}, got ${status}: ${text}`)
}
