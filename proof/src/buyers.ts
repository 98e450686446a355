import { randomUUID } from 'node:crypto'
import type { HistoryRecorder } from './history.ts'
import { type RecordedShopper, recordShopper } from './recorded-shopper.ts'
import type { Answer, GuestCart, Shopper } from './shopper.ts'

export interface BuyersOptions {
  readonly shopper: Shopper
  /** Each buyer takes two of them. */
  readonly skus: readonly string[]
  /** Every third buyer has it; when it is used up they buy without. */
  readonly coupon?: string
  readonly count: number
  readonly atOnce: number
  readonly history: HistoryRecorder
  /** How long one buyer tries to get through. */
  readonly patienceMs: number
}

/** Most pay at once; the others make the shop work in every other way. */
const METHODS = ['success', 'success', 'success', 'slow', 'decline', 'duplicate-webhook'].map(
  (name) => `sandbox:${name}`,
)

/** A checkout that was answered, and the cart that opens its order. */
interface Bought {
  readonly answer: Answer
  readonly cart: GuestCart
}

/**
 * Buyers who do not give up: whatever is not an answer is tried again with the same key, and some ask twice. At last each looks how the
 * order has ended.
 * @returns the last answer to each checkout
 */
export async function runBuyers(options: BuyersOptions): Promise<readonly Answer[]> {
  const { shopper, history, count, atOnce } = options
  const bought: Bought[] = []
  const buyers = Array.from({ length: atOnce }, () => recordShopper(shopper, history))
  const takeTurns = async (turns: number, work: (client: RecordedShopper, turn: number) => Promise<void>) => {
    let next = 0
    const worker = async (client: RecordedShopper) => {
      while (next < turns) await work(client, next++)
    }
    await Promise.all(buyers.map(worker))
  }
  await takeTurns(count, async (client, turn) => void bought.push(await buyOnce(options, client, turn)))
  await takeTurns(bought.length, async (client, turn) => {
    const one = bought[turn]
    if (one?.answer.status === 202) await seeTheEnd(client, one, options.patienceMs)
  })
  return bought.map(({ answer }) => answer)
}

async function buyOnce(
  { shopper, skus, coupon, patienceMs }: BuyersOptions,
  client: RecordedShopper,
  turn: number,
): Promise<Bought> {
  const persist = <T>(step: () => Promise<T | undefined>) => insist(step, patienceMs)
  const cart = await persist(async () => shopper.newCart().catch(() => undefined))
  for (const offset of [0, 1]) {
    const sku = skus[(turn + offset) % skus.length] ?? ''
    await persist(async () => definite(await client.add(cart, sku, 1)))
  }
  const withCoupon = coupon !== undefined && turn % 3 === 0
  if (withCoupon) await persist(async () => definite(await shopper.applyCoupon(cart, coupon)))
  const plain = () => ({ key: randomUUID(), email: `buyer-${cart.id}@example.com`, method: methodOf(turn) })
  const checkOut = (wish: Parameters<RecordedShopper['checkout']>[1]) =>
    persist(async () => definite(await client.checkout(cart, wish)))
  let wish = withCoupon ? { ...plain(), coupon } : plain()
  let answer = await checkOut(wish)
  if (answer.body?.code === 'cart.coupon-used-up') {
    await persist(async () => definite(await shopper.removeCoupon(cart)))
    wish = plain()
    answer = await checkOut(wish)
  }
  return { answer: turn % 4 === 0 ? await checkOut(wish) : answer, cart } // an impatient finger on the button
}

const methodOf = (turn: number) => METHODS[turn % METHODS.length] ?? 'sandbox:success'

const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])

const seeTheEnd = (client: RecordedShopper, { answer, cart }: Bought, patienceMs: number) =>
  insist(async () => {
    const { status, body } = await client.readOrder(answer.body.orderId, cart)
    return status === 200 && FINAL.has(body.status) ? true : undefined
  }, patienceMs)

/** Asks for a checkout once and writes down what came of it; undefined when it has to be asked again with the same key. */
export const tryCheckout = async (
  { shopper, history }: { readonly shopper: Shopper; readonly history: HistoryRecorder },
  cart: GuestCart,
  wish: Parameters<RecordedShopper['checkout']>[1],
): Promise<Answer | undefined> => definite(await recordShopper(shopper, history).checkout(cart, wish))

/** An answer that tells what became of the request; the others are worth another try with the same key. */
export const definite = (answer: Answer): Answer | undefined =>
  answer.status === 0 || answer.status >= 500 || answer.body?.code === 'idempotency.in-flight' ? undefined : answer

const PAUSE_MS = 100

/** Repeats a step until it gives something. @throws when it has not within `patienceMs` */
export async function insist<T>(step: () => Promise<T | undefined>, patienceMs: number): Promise<T> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const outcome = await step()
    if (outcome !== undefined) return outcome
    if (Date.now() > giveUpAt) throw new Error(`the shop did not answer within ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
