import { randomUUID } from 'node:crypto'
import { definite, insist, tryCheckout } from '../../buyers.ts'
import type { HistoryRecorder } from '../../history.ts'
import { recordShopper } from '../../recorded-shopper.ts'
import type { GuestCart, Shopper } from '../../shopper.ts'

export interface Wish {
  readonly skus: readonly string[]
  readonly method: string
  /** What the customer does on the confirmation page of `sandbox:action`. */
  readonly action?: 'approve' | 'decline' | 'leave'
  /** Presses the button once more: at the same time, or afterwards. */
  readonly again?: 'at-once' | 'later'
  readonly cancel?: boolean
}

export interface Purchase {
  /** Undefined when the checkout was refused. */
  readonly orderId: string | undefined
  /** As the customer last saw it. */
  readonly status: string
  /** From the accepted checkout to this, in ms. */
  readonly tookMs: number
}

export interface BuyOptions {
  readonly shopper: Shopper
  readonly history: HistoryRecorder
  /** How long one step is tried. */
  readonly patienceMs: number
  /** How long the order is followed. */
  readonly followMs: number
  readonly onAccepted?: () => void
}

const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])
const FIRST_LOOK_MS = 60
const LONGEST_PAUSE_MS = 500

/** One whole purchase by somebody who does not give up: every step is repeated, with the same key, until it is answered. */
export async function buy(wish: Wish, options: BuyOptions): Promise<Purchase> {
  const { shopper, patienceMs } = options
  const persist = <T>(step: () => Promise<T | undefined>) => insist(step, patienceMs)
  const cart = await persist(() => shopper.newCart().catch(() => undefined))
  const client = recordShopper(shopper, options.history)
  for (const sku of wish.skus) await persist(async () => definite(await client.add(cart, sku, 1)))
  const order = { key: randomUUID(), email: `buyer-${cart.id}@example.com`, method: wish.method }
  const ask = () => persist(() => tryCheckout(options, cart, order))
  const [answer] = await Promise.all(wish.again === 'at-once' ? [ask(), ask()] : [ask()])
  const acceptedAt = performance.now()
  if (wish.again === 'later') await ask()
  if (answer?.status !== 202) return { orderId: undefined, status: `refused ${answer?.status ?? ''}`, tookMs: 0 }
  options.onAccepted?.()
  const orderId = String(answer.body.orderId)
  if (wish.cancel) await persist(() => cancel(shopper, orderId, cart))
  const status = await follow({ orderId, cart, wish }, options)
  return { orderId, status, tookMs: performance.now() - acceptedAt }
}

async function follow(
  { orderId, cart, wish }: { orderId: string; cart: GuestCart; wish: Wish },
  { shopper, history, followMs }: BuyOptions,
): Promise<string> {
  const client = recordShopper(shopper, history)
  const giveUpAt = performance.now() + followMs
  let status = 'accepted'
  let decided = wish.action === undefined || wish.action === 'leave'
  for (let pauseMs = FIRST_LOOK_MS; performance.now() < giveUpAt; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const { status: code, body } = await client.readOrder(orderId, cart)
    if (code !== 200) continue
    status = body.status
    if (FINAL.has(status)) return status
    const page: string | undefined = body.payment?.actionUrl
    if (!decided && page) decided = await decide(shopper, page, wish.action ?? 'approve')
  }
  return status
}

/** True when the provider has taken the decision, or does not want one any more. */
async function decide(shopper: Shopper, page: string, outcome: string): Promise<boolean> {
  const { status } = await shopper.call({ method: 'POST', path: new URL(page).pathname, body: { outcome } })
  return status === 200 || status === 404 || status === 409
}

const cancelKey = (orderId: string) => `cancel-${orderId}`

async function cancel(shopper: Shopper, orderId: string, { token }: GuestCart) {
  const headers = { 'cart-token': token, 'idempotency-key': cancelKey(orderId) }
  const answer = await shopper.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers })
  return answer.body?.code === 'order.being-placed' ? undefined : definite(answer)
}
