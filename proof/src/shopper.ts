import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'

/** One answer of the shop. `status` 0 means that no answer came, so that nobody knows what became of the request. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: programs look into bodies freely
  readonly body: any
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A guest's cart: its id and the token that opens it and the order it becomes. */
export interface GuestCart {
  readonly id: string
  readonly token: string
}

export interface CheckoutOptions {
  readonly method?: string
  readonly key?: string
  readonly email?: string
}

/** A client of the shop that waits when it is told to, goes through the gateway and knows nothing but the public API. */
export interface Shopper {
  readonly calls: () => number
  call(call: Call): Promise<Answer>
  newCart(): Promise<GuestCart>
  add(cart: GuestCart, sku: string, quantity: number): Promise<Answer>
  applyCoupon(cart: GuestCart, code: string): Promise<Answer>
  removeCoupon(cart: GuestCart): Promise<Answer>
  checkout(cart: GuestCart, options?: CheckoutOptions): Promise<Answer>
  order(orderId: string, token: string): Promise<Answer>
  signIn(email: string, password: string): Promise<string>
  close(): Promise<void>
}

export const ADDRESS = {
  name: 'Ada Shopper',
  line1: '1 High Street',
  city: 'York',
  postalCode: 'YO1 7HH',
  country: 'GB',
}

export interface ShopperOptions {
  readonly connections?: number
  readonly timeoutMs?: number
}

export function createShopper(url: string, options: ShopperOptions = {}): Shopper {
  const { connections = 16, timeoutMs = 15_000 } = options
  const pool = new Pool(url, { connections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  return shopperOver({ send: (request) => pool.request(request), close: () => pool.close() })
}

/** A shopper whose requests go wherever `send` sends them; what it throws is an answer that never came. */
export function shopperOver(way: {
  send: (request: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>
  close: () => Promise<void>
}): Shopper {
  let calls = 0

  const call = async ({ method, path, body, headers = {} }: Call): Promise<Answer> => {
    calls += 1
    const sent = body === undefined ? { headers } : withBody(body, headers)
    try {
      for (let tries = 1; ; tries += 1) {
        const response = await way.send({ method, path, ...sent })
        const answer = answerOf(response.statusCode, response.headers, await response.body.text())
        if (!isTooFast(answer) || tries === MOST_TRIES) return answer
        await pause(Number(answer.headers['retry-after']) * 1_000)
      }
    } catch (error) {
      return { status: 0, headers: {}, text: String(error), body: undefined }
    }
  }

  return {
    calls: () => calls,
    call,
    newCart: async () => {
      const answer = await call({ method: 'POST', path: '/api/v1/carts', body: {} })
      if (answer.status !== 201) throw new Error(`no cart: ${answer.status} ${answer.text}`)
      return { id: answer.body.id, token: answer.body.token }
    },
    add: ({ id, token }, sku, quantity) =>
      call({
        method: 'POST',
        path: `/api/v1/carts/${id}/items`,
        headers: { 'cart-token': token },
        body: { sku, quantity },
      }),
    applyCoupon: ({ id, token }, code) =>
      call({ method: 'PUT', path: `/api/v1/carts/${id}/coupon`, headers: { 'cart-token': token }, body: { code } }),
    removeCoupon: ({ id, token }) =>
      call({ method: 'DELETE', path: `/api/v1/carts/${id}/coupon`, headers: { 'cart-token': token } }),
    checkout: ({ id, token }, { method = 'sandbox:success', key = randomUUID(), email = 'ada@example.com' } = {}) =>
      call({
        method: 'POST',
        path: `/api/v1/carts/${id}/checkout`,
        headers: { 'cart-token': token, 'idempotency-key': key },
        body: { email, shippingAddress: ADDRESS, payment: { method } },
      }),
    order: (orderId, token) =>
      call({ method: 'GET', path: `/api/v1/orders/${orderId}`, headers: { 'cart-token': token } }),
    signIn: async (email, password) => {
      const answer = await call({ method: 'POST', path: '/api/v1/auth/login', body: { email, password } })
      if (answer.status !== 200) throw new Error(`cannot sign in: ${answer.status} ${answer.text}`)
      return answer.body.accessToken
    },
    close: way.close,
  }
}

/** The gateway's limit, which has refused before anything was done; not the answer of a service that was asked too often. */
const isTooFast = ({ status, body }: Answer) => status === 429 && body?.code === 'rate-limit.exceeded'
const MOST_TRIES = 10

/** A body that is a string already is sent as it is, well-formed or not. */
const withBody = (body: unknown, headers: Readonly<Record<string, string>>) => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

function answerOf(status: number, headers: Answer['headers'], text: string): Answer {
  const isJson = String(headers['content-type'] ?? '').includes('json')
  return { status, headers, text, body: isJson && text !== '' ? JSON.parse(text) : undefined }
}
