import type { Answer, Shopper } from '@micromart/proof/shopper'

/** One complete guest purchase: cart, two lines, checkout, and asking until the order is confirmed. */
export interface Purchase {
  /** From the first call to the confirmed order, in ms. */
  readonly tookMs: number
  /** From the accepted checkout to the confirmed order, in ms, as the shopper sees it. */
  readonly confirmedMs: number
}

export interface LoadResult {
  readonly purchases: readonly Purchase[]
  readonly calls: number
  /** How often which answer came instead of the expected one. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
}

/** What a shopper got instead of what should have come. */
class Unexpected extends Error {}

const FIRST_LOOK_MS = 8
const LONGEST_PAUSE_MS = 64
const CONFIRMED_WITHIN_MS = 30_000

/** Shoppers who buy one thing after the other until the time is over; the last purchase of each is finished. */
export async function runLoad(options: {
  readonly shopper: Shopper
  readonly skus: readonly string[]
  readonly shoppers: number
  readonly seconds: number
}): Promise<LoadResult> {
  const { shopper, skus, shoppers, seconds } = options
  const purchases: Purchase[] = []
  const errors: Record<string, number> = {}
  const startedAt = performance.now()
  const callsBefore = shopper.calls()
  const endsAt = startedAt + seconds * 1_000
  let turn = 0
  const shopOn = async () => {
    while (performance.now() < endsAt)
      try {
        purchases.push(await buy(shopper, skus, turn++))
      } catch (error) {
        const what = error instanceof Unexpected ? error.message : String(error)
        errors[what] = (errors[what] ?? 0) + 1
      }
  }
  await Promise.all(Array.from({ length: shoppers }, shopOn))
  return {
    purchases,
    errors,
    calls: shopper.calls() - callsBefore,
    seconds: (performance.now() - startedAt) / 1_000,
  }
}

async function buy(shopper: Shopper, skus: readonly string[], turn: number): Promise<Purchase> {
  const startedAt = performance.now()
  const cart = await shopper.newCart()
  for (const offset of [0, 1]) expect(201, 'add', await shopper.add(cart, skus[(turn + offset) % skus.length] ?? '', 1))
  const { body } = expect(202, 'checkout', await shopper.checkout(cart))
  const acceptedAt = performance.now()
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const { body: order } = expect(200, 'order', await shopper.order(body.orderId, cart.token))
    const now = performance.now()
    if (order.status === 'confirmed') return { tookMs: now - startedAt, confirmedMs: now - acceptedAt }
    if (order.status === 'cancelled') throw new Unexpected(`order cancelled: ${order.reason}`)
    if (now - acceptedAt > CONFIRMED_WITHIN_MS) throw new Unexpected('order not confirmed in time')
  }
}

function expect(status: number, step: string, answer: Answer): Answer {
  if (answer.status === status) return answer
  throw new Unexpected(`${step}: ${answer.status} ${answer.body?.code ?? ''}`.trim())
}
