import type { Answer, Shopper } from '../shopper.ts'

/** What a shopper got instead of what should have come. */
export class Failed extends Error {
  /** What was asked for. */
  readonly step: string
  /** 0 when no answer came; undefined for an order that came to nothing. */
  readonly status: number | undefined
  /** Of the problem. */
  readonly code: string | undefined

  constructor(words: string, { step, status, code }: { step: string; status?: number; code?: string | undefined }) {
    super(`${step}: ${words}`)
    this.step = step
    this.status = status
    this.code = code
  }
}

const FIRST_LOOK_MS = 25
const LONGEST_PAUSE_MS = 400
const CONFIRMED_WITHIN_MS = 30_000

/** One complete guest purchase: cart, two lines, checkout, and asking until the order is confirmed. @throws Failed at the first answer that is not the expected one */
export async function purchase(shopper: Shopper, skus: readonly string[], turn: number): Promise<void> {
  const made = expect(201, 'cart', await shopper.call({ method: 'POST', path: '/api/v1/carts', body: {} })).body
  const cart = { id: String(made.id), token: String(made.token) }
  for (const offset of [0, 1]) expect(201, 'add', await shopper.add(cart, skus[(turn + offset) % skus.length] ?? '', 1))
  const { orderId } = expect(202, 'checkout', await shopper.checkout(cart)).body
  const giveUpAt = performance.now() + CONFIRMED_WITHIN_MS
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const { body: order } = expect(200, 'order', await shopper.order(orderId, cart.token))
    if (order.status === 'confirmed') return
    if (order.status === 'cancelled')
      throw new Failed(`cancelled, ${order.reason}`, { step: 'order', code: String(order.reason) })
    if (performance.now() > giveUpAt)
      throw new Failed(`still ${order.status} after ${CONFIRMED_WITHIN_MS} ms`, { step: 'order' })
  }
}

function expect(status: number, step: string, answer: Answer): Answer {
  if (answer.status === status) return answer
  const code: unknown = answer.body?.code
  const words = `${answer.status} ${code ?? answer.text.slice(0, 200)}`.trim()
  throw new Failed(words, { step, status: answer.status, code: typeof code === 'string' ? code : undefined })
}
