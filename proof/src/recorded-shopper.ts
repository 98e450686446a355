import { createHash, randomUUID } from 'node:crypto'
import type { HistoryCall, HistoryFacts, HistoryOutcome, HistoryRecorder } from './history.ts'
import type { Shopkeeper } from './shopkeeper.ts'
import type { Answer, CheckoutOptions, GuestCart, Shopper } from './shopper.ts'

/** One client whose every call is written down. */
export interface RecordedShopper {
  add(cart: GuestCart, sku: string, quantity: number): Promise<Answer>
  /** `coupon` is the code that the cart has. */
  checkout(
    cart: GuestCart,
    options: CheckoutOptions & { readonly key: string; readonly email: string; readonly coupon?: string },
  ): Promise<Answer>
  readOrder(orderId: string, cart: GuestCart): Promise<Answer>
  cancel(orderId: string, cart: GuestCart): Promise<Answer>
  readStock(sku: string): Promise<Answer>
}

interface CouponTerms {
  readonly kind: 'percent'
  readonly percent: number
  readonly mostUses?: number
  readonly mostUsesPerCustomer?: number
}

/** Staff whose every change of stock is written down, and every coupon. */
export interface RecordedShopkeeper {
  /** A new product with so many pieces, its first count written down; answers its SKU. */
  stocked(quantity: number): Promise<string>
  /** A new coupon; answers its code. */
  coupon(terms: CouponTerms): Promise<string>
  setStock(sku: string, quantity: number): Promise<Answer>
  adjust(sku: string, quantity: number): Promise<Answer>
}

/** No answer, or one that only says that something broke, leaves open what became of the request. */
export function outcomeOf({ status, body }: Answer, facts: HistoryFacts): HistoryOutcome {
  if (status === 0 || status >= 500) return { type: 'info', status }
  return status < 400 ? { type: 'ok', status, ...facts } : { type: 'fail', status, code: String(body?.code) }
}

export function recordShopper(shopper: Shopper, history: HistoryRecorder): RecordedShopper {
  const record = recorderOf(history)
  return {
    add: (cart, sku, quantity) =>
      record({ op: 'cart-add', key: cart.id, sku, quantity }, () => shopper.add(cart, sku, quantity)),
    checkout: (cart, options) => {
      const { key, email, method, coupon } = options
      const use = coupon === undefined ? {} : { coupon, customer: email }
      const request = createHash('sha256')
        .update(JSON.stringify([cart.id, method, email]))
        .digest('base64url')
      return record(
        { op: 'checkout', key, cart: cart.id, request, ...use },
        () => shopper.checkout(cart, options),
        ({ body, text }) => ({ orderId: body?.orderId, body: text }),
      )
    },
    readOrder: (orderId, { token }) =>
      record(
        { op: 'order-read', key: orderId },
        () => shopper.order(orderId, token),
        ({ body }) => ({ state: body?.status, reason: body?.reason ?? null }),
      ),
    cancel: (orderId, { token }) =>
      record({ op: 'order-cancel', key: orderId }, () =>
        shopper.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers: { 'cart-token': token } }),
      ),
    readStock: (sku) =>
      record(
        { op: 'stock-read', key: sku },
        () => shopper.call({ method: 'GET', path: `/api/v1/inventory/${sku}` }),
        levelOf,
      ),
  }
}

export function recordShopkeeper(keeper: Shopkeeper, history: HistoryRecorder): RecordedShopkeeper {
  const record = recorderOf(history)
  const setStock = (sku: string, quantity: number) =>
    record(
      { op: 'stock-set', key: sku, quantity, overwrite: true },
      () =>
        keeper.call({
          ...{ method: 'POST', path: '/api/v1/inventory/opening-stock' },
          body: { items: [{ sku, quantity }], overwrite: true },
        }),
      ({ body }) => ({ outcome: body?.set > 0 ? 'set' : body?.unchanged > 0 ? 'unchanged' : 'below-reserved' }),
    )
  return {
    setStock,
    coupon: async ({ kind, percent, ...limits }) => {
      const code = `TEST-${randomUUID().slice(0, 8).toUpperCase()}`
      const body = { code, kind, percent, ...limits }
      const { status, text } = await record({ op: 'coupon-make', key: code, ...limits }, () =>
        keeper.call({ method: 'POST', path: '/api/v1/coupons', body }),
      )
      if (status !== 201) throw new Error(`there is no coupon: ${status} ${text}`)
      return code
    },
    stocked: async (quantity) => {
      const sku = await keeper.listed()
      const { status, text } = await setStock(sku, quantity)
      if (status !== 200) throw new Error(`${sku} could not be stocked: ${status} ${text}`)
      return sku
    },
    adjust: (sku, quantity) => {
      const reason = randomUUID()
      return record(
        { op: 'stock-adjust', key: sku, quantity, reason },
        () =>
          keeper.call({
            ...{ method: 'POST', path: `/api/v1/inventory/${sku}/adjustments` },
            body: { quantity, reason },
          }),
        levelOf,
      )
    },
  }
}

const levelOf = ({ body }: Answer): HistoryFacts => ({ onHand: body?.onHand, reserved: body?.reserved })

function recorderOf(history: HistoryRecorder) {
  const process = history.newProcess()
  return async (
    call: HistoryCall,
    send: () => Promise<Answer>,
    factsOf: (answer: Answer) => HistoryFacts = () => ({}),
  ): Promise<Answer> => {
    const end = history.begin(process, call)
    const answer = await send()
    end(outcomeOf(answer, answer.status >= 200 && answer.status < 300 ? factsOf(answer) : {}))
    return answer
  }
}
