import { randomUUID } from 'node:crypto'
import { definite, insist } from '../../buyers.ts'
import type { Answer, GuestCart } from '../../shopper.ts'
import type { BadCustomer, Scene } from './bad-customers.ts'

export interface Visit {
  readonly customer: string
  readonly orderId: string | undefined
  readonly status: string
  readonly tookMs: number
  readonly violations: readonly string[]
}

const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 250
const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])
/** Waiting for the customer or the provider is no fault of the shop. */
const MAY_WAIT = new Set([...FINAL, 'awaiting-payment'])

interface OrderBody {
  readonly status: string
  readonly total: { readonly minor: number }
  readonly lines: readonly { readonly quantity: number; readonly unitPrice: { readonly minor: number } }[]
}

/** One bad customer's visit, from an empty cart until the order has come to its end, judged by what the API says. */
export async function visit(
  customer: BadCustomer,
  options: Omit<Scene, 'cart' | 'key'> & { skus: readonly string[]; endWithinMs: number },
): Promise<Visit> {
  const { shopper, random, skus } = options
  const startedAt = performance.now()
  const cart = await insist(() => shopper.newCart().catch(() => undefined), PATIENCE_MS)
  const sku = random.pick(skus)
  await insist(async () => definite(await shopper.add(cart, sku, 1)), PATIENCE_MS)
  const { answer, violations } = await customer.checkOut({ ...options, cart, key: randomUUID() })
  const told = { customer: customer.name, tookMs: performance.now() - startedAt }
  if (answer.status !== 202)
    return { ...told, orderId: undefined, status: `refused ${answer.status} ${answer.body?.code ?? ''}`, violations }
  const orderId = String(answer.body.orderId)
  const order = await follow(orderId, cart, options)
  return {
    ...told,
    orderId,
    status: order?.status ?? 'unseen',
    tookMs: performance.now() - startedAt,
    violations: [...violations, ...judgeOrder(orderId, order)],
  }
}

async function follow(
  orderId: string,
  { token }: GuestCart,
  { shopper, endWithinMs }: Pick<Scene, 'shopper'> & { endWithinMs: number },
): Promise<OrderBody | undefined> {
  const giveUpAt = performance.now() + endWithinMs
  let last: OrderBody | undefined
  while (performance.now() < giveUpAt && !FINAL.has(last?.status ?? '')) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const answer: Answer = await shopper.order(orderId, token)
    if (answer.status === 200) last = answer.body as OrderBody
  }
  return last
}

function judgeOrder(orderId: string, order: OrderBody | undefined): readonly string[] {
  if (!order) return [`order ${orderId} was accepted and cannot be seen`]
  const sum = order.lines.reduce((total, { quantity, unitPrice }) => total + quantity * unitPrice.minor, 0)
  return [
    ...(sum === order.total.minor
      ? []
      : [`order ${orderId}: its lines make ${sum}, its total says ${order.total.minor}`]),
    ...(MAY_WAIT.has(order.status) ? [] : [`order ${orderId} is still ${order.status}`]),
  ]
}
