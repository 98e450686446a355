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

export type WriteHistory = (record: HistoryRecord) => void

export interface BuyersOptions {
  readonly shopper: Shopper
  /** Each buyer takes two of them. */
  readonly skus: readonly string[]
  readonly count: number
  readonly atOnce: number
  readonly history: WriteHistory
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

async function buyOnce({ shopper, skus, history, patienceMs }: BuyersOptions, turn: number): Promise<Answer> {
  const persist = <T>(step: () => Promise<T | undefined>) => insist(step, patienceMs)
  const cart = await persist(async () => shopper.newCart().catch(() => undefined))
  for (const offset of [0, 1]) {
    const sku = skus[(turn + offset) % skus.length] ?? ''
    await persist(async () => definite(await shopper.add(cart, sku, 1)))
  }
  const key = randomUUID()
  const email = `buyer-${key}@example.com`
  const checkOut = () => persist(() => tryCheckout({ shopper, history }, cart, { key, email, method: methodOf(turn) }))
  const answer = await checkOut()
  return turn % 4 === 0 ? checkOut() : answer // an impatient finger on the button
}

const methodOf = (turn: number) => METHODS[turn % METHODS.length] ?? 'sandbox:success'

/** Asks for a checkout once and writes down what came of it; undefined when it has to be asked again with the same key. */
export async function tryCheckout(
  { shopper, history }: { readonly shopper: Shopper; readonly history: WriteHistory },
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
