import type { Answer, Shopper } from '../shopper.ts'

/** What a shopper got instead of what should have come. */
export class Failed extends Error {}

const FIRST_LOOK_MS = 25
const LONGEST_PAUSE_MS = 400
const CONFIRMED_WITHIN_MS = 30_000

/** One complete guest purchase: cart, two lines, checkout, and asking until the order is confirmed. @throws Failed at the first answer that is not the expected one */
export async function purchase(shopper: Shopper, skus: readonly string[], turn: number): Promise<void> {
  const cart = await shopper.newCart().catch((error: unknown) => {
    throw new Failed(error instanceof Error ? error.message : String(error))
  })
  for (const offset of [0, 1]) expect(201, 'add', await shopper.add(cart, skus[(turn + offset) % skus.length] ?? '', 1))
  const { orderId } = expect(202, 'checkout', await shopper.checkout(cart)).body
  const giveUpAt = performance.now() + CONFIRMED_WITHIN_MS
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const { body: order } = expect(200, 'order', await shopper.order(orderId, cart.token))
    if (order.status === 'confirmed') return
    if (order.status === 'cancelled') throw new Failed(`order cancelled: ${order.reason}`)
    if (performance.now() > giveUpAt) throw new Failed(`order still ${order.status} after ${CONFIRMED_WITHIN_MS} ms`)
  }
}

function expect(status: number, step: string, answer: Answer): Answer {
  if (answer.status === status) return answer
  throw new Failed(`${step}: ${answer.status} ${answer.body?.code ?? answer.text.slice(0, 200)}`.trim())
}
