import { randomUUID } from 'node:crypto'
import type { Answer, GuestCart, Shopper } from './shopper.ts'

/** One line of the history, in Jepsen's words: `ok` and `fail` are known, of `info` nobody knows what became. */
export interface HistoryRecord {
  readonly type: 'ok' | 'fail' | 'info'
  readonly op: 'checkout'
  readonly key: string
  readonly status: number
  readonly orderId?: string
  readonly body?: string
}

export interface BuyersOptions {
  readonly shopper: Shopper
  /** Each buyer takes two of them. */
  readonly skus: readonly string[]
  /** Every third buyer has it; when it is used up they buy without. */
  readonly coupon?: string
  readonly count: number
  readonly atOnce: number
  readonly history: (record: HistoryRecord) => void
  /** How long one buyer tries to get through. */
  readonly patienceMs: number
}

/** Most pay at once; the others make the shop work in every other way. */
const METHODS = ['success', 'success', 'success', 'slow', 'decline', 'duplicate-webhook'].map(
  (name) => `sandbox:${name}`,
)

/**
 * Buyers who do not give up: whatever is not an answer is tried again with the same key, and some ask twice.
 * @returns the last answer to each checkout
 */
export async function runBuyers(options: BuyersOptions): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const worker = async () => {
    while (next < options.count) answers.push(await buyOnce(options, next++))
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker))
  return answers
}

async function buyOnce(options: BuyersOptions, turn: number): Promise<Answer> {
  const { shopper, skus, coupon, history, patienceMs } = options
  const persist = <T>(step: () => Promise<T | undefined>) => insist(step, patienceMs)
  const cart = await persist(async () => shopper.newCart().catch(() => undefined))
  for (const offset of [0, 1]) {
    const sku = skus[(turn + offset) % skus.length] ?? ''
    await persist(async () => definite(await shopper.add(cart, sku, 1)))
  }
  if (coupon && turn % 3 === 0) await persist(async () => definite(await shopper.applyCoupon(cart, coupon)))
  const email = `buyer-${cart.id}@example.com`
  const checkOut = (key: string) =>
    persist(() => attempt({ shopper, history }, cart, { key, email, method: methodOf(turn) }))
  let key = randomUUID()
  let answer = await checkOut(key)
  if (answer.body?.code === 'cart.coupon-used-up') {
    await persist(async () => definite(await shopper.removeCoupon(cart)))
    key = randomUUID()
    answer = await checkOut(key)
  }
  return turn % 4 === 0 ? checkOut(key) : answer // an impatient finger on the button
}

const methodOf = (turn: number) => METHODS[turn % METHODS.length] ?? 'sandbox:success'

async function attempt(
  { shopper, history }: Pick<BuyersOptions, 'shopper' | 'history'>,
  cart: GuestCart,
  options: { key: string; email: string; method: string },
): Promise<Answer | undefined> {
  const answer = await shopper.checkout(cart, options)
  const { status, text, body } = answer
  const known = { op: 'checkout', key: options.key, status } as const
  if (status === 202) history({ ...known, type: 'ok', orderId: body.orderId, body: text })
  else history({ ...known, type: definite(answer) ? 'fail' : 'info' })
  return definite(answer)
}

/** An answer that tells what became of the request; the others are worth another try with the same key. */
export const definite = (answer: Answer): Answer | undefined =>
  answer.status === 0 || answer.status >= 500 || answer.body?.code === 'idempotency.in-flight' ? undefined : answer

const PAUSE_MS = 100

async function insist<T>(step: () => Promise<T | undefined>, patienceMs: number): Promise<T> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const outcome = await step()
    if (outcome !== undefined) return outcome
    if (Date.now() > giveUpAt) throw new Error(`the shop did not answer within ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
