import { randomUUID } from 'node:crypto'
import type { Answer, Call, Shopper } from './shopper.ts'

/** Somebody on the shop's staff, through the public API. */
export interface Shopkeeper {
  call(call: Omit<Call, 'headers'>): Promise<Answer>
  /** A new product at 12.50 USD that nobody has counted yet; answers its SKU. */
  listed(): Promise<string>
  /** A new product with so many pieces on hand; answers its SKU. */
  stocked(quantity: number): Promise<string>
  /** The SKU has so many pieces on hand from now on. */
  restock(sku: string, quantity: number): Promise<void>
}

/** Signs in with the demo account of a shop in development. */
export async function openShopkeeper(shopper: Shopper): Promise<Shopkeeper> {
  const token = await shopper.signIn('admin@micromart.test', 'micromart-demo')
  const call: Shopkeeper['call'] = (what) => shopper.call({ ...what, headers: { authorization: `Bearer ${token}` } })
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
