import type { Operation } from '../linearizability/model.ts'
import type { StockAnswer, StockCall } from '../linearizability/stock-model.ts'
import type { Books } from './books.ts'
import type { History, Seen } from './read-history.ts'

type StockOperation = Operation<StockCall, StockAnswer>

export interface StockHistories {
  readonly judged: readonly { readonly sku: string; readonly operations: readonly StockOperation[] }[]
  readonly remarks: readonly string[]
}

interface Checkout {
  readonly order_id: string
  readonly cart_id: string
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[]
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * What staff and buyers did to each SKU. A buyer's order takes its pieces some time after the checkout began; that it did is known when the
 * order was seen as confirmed, within the life of a hold. Only SKUs are judged whose first count is in the history, and which nobody but
 * its clients has bought.
 */
export async function stockHistories(books: Books, history: History): Promise<StockHistories> {
  const checkouts = await books.read<Checkout>('cart', 'SELECT order_id, cart_id, lines FROM checkouts')
  const began = new Map<string, number>()
  for (const { call, from } of history.of('checkout'))
    began.set(call.cart, Math.min(from, began.get(call.cart) ?? NEVER))
  const strangers = new Set(
    checkouts.filter(({ cart_id }) => !began.has(cart_id)).flatMap(({ lines }) => lines.map(({ sku }) => sku)),
  )
  const ends = endsOf(history)
  const bought = Map.groupBy(
    checkouts.flatMap(({ order_id, cart_id, lines }) => buy(lines, began.get(cart_id) ?? 0, ends.get(order_id))),
    ({ sku }) => sku,
  )
  const staff = Map.groupBy(history.of('stock-set', 'stock-adjust', 'stock-read'), ({ call }) => call.key)
  const complete = [...staff].filter(([sku, calls]) => beginsWithCount(calls) && !strangers.has(sku))
  const others = staff.size - complete.length
  return {
    judged: complete.map(([sku, calls]) => ({
      sku,
      operations: [...calls.flatMap(operationOf), ...(bought.get(sku) ?? []).map(({ operation }) => operation)],
    })),
    remarks:
      others > 0
        ? [`${others} SKUs are not judged: their first count is not in the history, or others have bought them too`]
        : [],
  }
}

type StaffCall = Seen<'stock-set' | 'stock-adjust' | 'stock-read'>

const beginsWithCount = ([first]: readonly StaffCall[]) => first?.call.op === 'stock-set' && first.end === 'ok'

/** What was turned away at the door, for want of a token or for its form, says nothing about the shelf. */
function operationOf(seen: StaffCall): readonly StockOperation[] {
  const call = callOf(seen)
  if (seen.end === 'unknown') return [{ call, from: seen.from, to: NEVER }]
  const answer = answerOf(seen)
  return answer === undefined ? [] : [{ call, answer, from: seen.from, to: seen.to }]
}

const refusals: Readonly<Record<string, StockAnswer>> = {
  'inventory.unknown-sku': 'unknown-sku',
  'inventory.below-reserved': 'below-reserved',
}

function answerOf({ end, facts }: Extract<StaffCall, { end: 'ok' | 'fail' }>): StockAnswer | undefined {
  const { onHand = 0, reserved = 0, outcome, code = '' } = facts
  return end === 'fail' ? refusals[code] : (outcome ?? { onHand, reserved })
}

function callOf({ call }: StaffCall): StockCall {
  switch (call.op) {
    case 'stock-set':
      return { type: 'set', quantity: call.quantity, overwrite: call.overwrite }
    case 'stock-adjust':
      return { type: 'adjust', quantity: call.quantity }
    case 'stock-read':
      return { type: 'read' }
  }
}

/** How an order was first seen to have ended, and until when that is known to have happened. */
interface End {
  readonly state: string
  readonly reason: string | null
  readonly to: number
}

const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])

function endsOf(history: History): ReadonlyMap<string, readonly End[]> {
  const seen = history.of('order-read').flatMap((read) => {
    if (read.end !== 'ok' || !FINAL.has(read.facts.state ?? '')) return []
    const { state = '', reason = null } = read.facts
    return [{ orderId: read.call.key, state, reason, to: read.to }]
  })
  return Map.groupBy(seen, ({ orderId }) => orderId)
}

function buy(lines: Checkout['lines'], from: number, ends: readonly End[] = []) {
  const pieces = new Map<string, number>()
  for (const { sku, quantity } of lines) pieces.set(sku, (pieces.get(sku) ?? 0) + quantity)
  return [...pieces].flatMap(([sku, quantity]) =>
    stepsOf({ quantity, from, ends, isAlone: pieces.size === 1 }).map((operation) => ({ sku, operation })),
  )
}

type Step = 'hold' | 'commit' | 'release' | 'return'

/**
 * The steps that an order of so many pieces takes on one shelf. An order that was confirmed, or whose payment failed, had its pieces; one
 * that was out of stock never had any, on no shelf. What nobody saw may have happened or not.
 */
function stepsOf(order: {
  quantity: number
  from: number
  ends: readonly End[]
  isAlone: boolean
}): readonly StockOperation[] {
  const { quantity, from, ends, isAlone } = order
  const maybe = (...types: readonly Step[]): readonly StockOperation[] =>
    types.map((type) => ({ call: { type, quantity }, from, to: NEVER }))
  const hold = (answer: 'held' | 'rejected', { to }: End): StockOperation => ({
    ...{ call: { type: 'hold', quantity }, answer, from, to },
  })
  const confirmed = ends.find(({ state }) => state === 'confirmed')
  const off = ends.find(({ state }) => state !== 'confirmed')
  if (confirmed) return [hold('held', confirmed), ...maybe('commit'), ...(off ? maybe('release', 'return') : [])]
  if (off?.state !== 'cancelled') return maybe('hold', 'commit', 'release', 'return')
  switch (off.reason) {
    case 'out-of-stock':
      return isAlone ? [hold('rejected', off)] : []
    case 'payment-declined':
    case 'payment-timeout':
      return [hold('held', off), ...maybe('release')]
    case 'stock-timeout':
      return maybe('hold', 'release')
    default:
      return maybe('hold', 'commit', 'release', 'return')
  }
}
