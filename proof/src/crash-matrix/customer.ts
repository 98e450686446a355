import { randomUUID } from 'node:crypto'
import { type Answer, type Call, createShopper } from '../shopper.ts'

/** What one run of a scenario has touched, and how the clients saw it. */
export interface Trail {
  readonly orderIds: string[]
  /** What went wrong, a sentence each. */
  readonly complaints: string[]
}

export interface Cart {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Order extends Cart {
  readonly orderId: string
}

/**
 * A client that does not give up: whatever tells nothing of its request is asked again with the same idempotency key.
 * Each of its methods rejects when the shop gives no definite answer in time, or another one than it should.
 */
export interface Customer {
  ask(call: Call): Promise<Answer>
  /** A write that must be answered by this status. */
  write(status: number, call: Call): Promise<Answer>
  cartWith(lines: readonly (readonly [sku: string, quantity: number])[], headers?: Cart['headers']): Promise<Cart>
  checkOut(cart: Cart, method?: string): Promise<Order>
  /** Waits until the order is one of these. */
  reaches(order: Order, ...statuses: readonly string[]): Promise<Answer['body']>
  readonly staff: Readonly<Record<string, string>>
  close(): Promise<void>
}

export interface Market {
  readonly url: string
  readonly staffToken: string
  /** Told of each accepted checkout, for the check of the books. */
  readonly onAccepted: (record: { key: string; cart: string; orderId: string; body: string }) => void
}

/** Longer than a few leases: what a killed process had claimed is claimed again after one, and may be hit again then. */
const PATIENCE_MS = 240_000
const PAUSE_MS = 60
const ADDRESS = { name: 'Ada Shopper', line1: '1 High Street', city: 'York', postalCode: 'YO1 7HH', country: 'GB' }

export const ENDS = ['confirmed', 'cancelled', 'refunded'] as const

export function createCustomer({ url, staffToken, onAccepted }: Market, trail: Trail): Customer {
  const shopper = createShopper(url, { connections: 8, timeoutMs: 8_000 })

  const ask = (call: Call) => {
    const key = { 'idempotency-key': randomUUID() }
    const sent = call.method === 'GET' ? call : { ...call, headers: { ...key, ...call.headers } }
    return eventually(`${call.method} ${call.path}`, async () => definite(await shopper.call(sent)))
  }

  const write = async (status: number, call: Call) => {
    const answer = await ask(call)
    if (answer.status !== status)
      throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.text} instead of ${status}`)
    return answer
  }

  return {
    ask,
    write,
    staff: { authorization: `Bearer ${staffToken}` },
    close: () => shopper.close(),
    cartWith: async (lines, headers = {}) => {
      const { body } = await write(201, { method: 'POST', path: '/api/v1/carts', body: {}, headers })
      const cart = { id: body.id, headers: body.token ? { 'cart-token': body.token } : headers }
      for (const [sku, quantity] of lines)
        await write(201, {
          method: 'POST',
          path: `/api/v1/carts/${cart.id}/items`,
          headers: cart.headers,
          body: { sku, quantity },
        })
      return cart
    },
    checkOut: async (cart, method = 'sandbox:success') => {
      const key = randomUUID()
      const contact = cart.headers['authorization'] ? {} : { email: `${key}@example.com` }
      const { body, text } = await write(202, {
        method: 'POST',
        path: `/api/v1/carts/${cart.id}/checkout`,
        headers: { ...cart.headers, 'idempotency-key': key },
        body: { ...contact, shippingAddress: ADDRESS, payment: { method } },
      })
      onAccepted({ key, cart: cart.id, orderId: body.orderId, body: text })
      trail.orderIds.push(body.orderId)
      return { ...cart, orderId: body.orderId }
    },
    reaches: ({ orderId, headers }, ...statuses) =>
      eventually(`order ${orderId} ${statuses.join(' or ')}`, async () => {
        const { status, body, text } = await ask({ method: 'GET', path: `/api/v1/orders/${orderId}`, headers })
        if (status !== 200) throw new Error(`order ${orderId}: ${status} ${text}`)
        return statuses.includes(body.status) ? body : undefined
      }),
  }
}

/** An answer that tells what became of the request. */
const definite = (answer: Answer): Answer | undefined =>
  answer.status === 0 || answer.status >= 500 || NOT_YET.has(answer.body?.code) ? undefined : answer

/** Refusals that ask for another try. */
const NOT_YET = new Set(['idempotency.in-flight', 'order.being-placed'])

export async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = Date.now() + PATIENCE_MS
  for (;;) {
    const outcome = await ask()
    if (outcome !== undefined) return outcome
    if (Date.now() > giveUpAt) throw new Error(`not within ${PATIENCE_MS / 1_000} s: ${what}`)
    await pause(PAUSE_MS)
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
