import type { Books } from './books.ts'
import { type Finding, finding, notJudged } from './finding.ts'
import type { History, Seen } from './read-history.ts'

const TITLE = 'no acknowledged write disappears'

interface Line {
  readonly sku: string
  readonly quantity: number
}

/** What the shop has kept of what clients did. */
interface Kept {
  readonly carts: ReadonlyMap<string, { readonly order_id: string | null; readonly lines: readonly Line[] }>
  readonly checkouts: ReadonlyMap<string, { readonly cart_id: string; readonly lines: readonly Line[] }>
  readonly orders: ReadonlyMap<string, string>
  /** How often each reason stands in the ledger of movements. */
  readonly movements: ReadonlyMap<string, readonly { readonly sku: string; readonly quantity: number }[]>
}

/** I10: whatever a client was told is done has stayed done, and nothing was made up. */
export async function checkAcknowledged(books: Books, history: History | undefined): Promise<Finding> {
  if (!history) return notJudged('I10', TITLE, 'not judged without --history: only clients know what they were told')
  const kept = await readKept(books)
  const adds = history.of('cart-add')
  const checkouts = history.of('checkout')
  const adjustments = history.of('stock-adjust')
  const reads = history.of('order-read')
  const cancels = history.of('order-cancel')
  return finding('I10', TITLE, {
    counts: {
      ...{ cartAdds: adds.length, checkouts: checkouts.length, adjustments: adjustments.length },
      ...{ orderReads: reads.length, cancels: cancels.length },
    },
    violations: [
      ...[...Map.groupBy(adds, ({ call }) => call.key)].flatMap(([cart, calls]) => judgeCart(cart, calls, kept)),
      ...checkouts.flatMap((checkout) => judgeCheckout(checkout, kept)),
      ...adjustments.flatMap((adjustment) => judgeAdjustment(adjustment, kept)),
      ...cancels.flatMap((cancel) => judgeCancel(cancel, kept)),
      ...[...Map.groupBy(reads, ({ call }) => call.key)].flatMap(([orderId, seen]) => judgeReads(orderId, seen, kept)),
    ],
  })
}

async function readKept(books: Books): Promise<Kept> {
  type Cart = { id: string; order_id: string | null; lines: readonly Line[] }
  type Checkout = { order_id: string; cart_id: string; lines: readonly Line[] }
  const carts = await books.read<Cart>('cart', 'SELECT id, order_id, lines FROM carts')
  const checkouts = await books.read<Checkout>('cart', 'SELECT order_id, cart_id, lines FROM checkouts')
  const orders = await books.read<{ order_id: string; status: string }>(
    'order',
    'SELECT order_id, status FROM order_view',
  )
  const movements = await books.read<{ sku: string; quantity: number; reason: string }>(
    'inventory',
    `SELECT sku, quantity, reason FROM movements WHERE kind = 'adjustment' AND reason IS NOT NULL`,
  )
  return {
    carts: new Map(carts.map((cart) => [cart.id, cart])),
    checkouts: new Map(checkouts.map((checkout) => [checkout.order_id, checkout])),
    orders: new Map(orders.map(({ order_id, status }) => [order_id, status])),
    movements: Map.groupBy(movements, ({ reason }) => reason),
  }
}

const piecesOf = (calls: readonly Seen<'cart-add'>[], sku: string) =>
  calls.reduce((sum, { call }) => (call.sku === sku ? sum + call.quantity : sum), 0)

/** Every piece that was acknowledged is in the cart, and none that nobody asked for. */
function judgeCart(id: string, calls: readonly Seen<'cart-add'>[], { carts, checkouts }: Kept): readonly string[] {
  const cart = carts.get(id)
  const acknowledged = calls.filter(({ end }) => end === 'ok')
  const possible = calls.filter(({ end }) => end !== 'fail')
  if (!cart) return acknowledged.length > 0 ? [`cart ${id} was filled, but does not exist`] : []
  const lines = (cart.order_id !== null && checkouts.get(cart.order_id)?.lines) || cart.lines
  const skus = new Set([...calls.map(({ call }) => call.sku), ...lines.map(({ sku }) => sku)])
  return [...skus].flatMap((sku) => {
    const inCart = lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0)
    const [least, most] = [piecesOf(acknowledged, sku), piecesOf(possible, sku)]
    const where = cart.order_id === null ? `cart ${id}` : `the checked-out cart ${id}`
    return [
      inCart >= least ? '' : `${where} holds ${inCart} of ${sku}, but ${least} were acknowledged`,
      inCart <= most ? '' : `${where} holds ${inCart} of ${sku}, but at most ${most} were put in`,
    ].filter((sentence) => sentence !== '')
  })
}

function judgeCheckout(seen: Seen<'checkout'>, { checkouts, orders }: Kept): readonly string[] {
  if (seen.end !== 'ok') return []
  const { orderId = '' } = seen.facts
  const checkout = checkouts.get(orderId)
  if (!checkout)
    return [`the checkout of cart ${seen.call.cart} was accepted as order ${orderId}, which does not exist`]
  return [
    checkout.cart_id === seen.call.cart ? '' : `order ${orderId} was accepted for another cart than ${seen.call.cart}`,
    orders.has(orderId) ? '' : `order ${orderId} was accepted, but was never placed`,
  ].filter((sentence) => sentence !== '')
}

function judgeAdjustment({ call, end }: Seen<'stock-adjust'>, { movements }: Kept): readonly string[] {
  const { key: sku, quantity, reason } = call
  const found = movements.get(reason) ?? []
  const what = `the adjustment of ${sku} by ${quantity} (${reason})`
  return [
    end === 'ok' && found.length === 0 ? `${what} was acknowledged, but is not in the ledger` : '',
    end === 'fail' && found.length > 0 ? `${what} was refused, but is in the ledger` : '',
    found.length > 1 ? `${what} is in the ledger ${found.length} times` : '',
    found.every((row) => row.sku === sku && row.quantity === quantity) ? '' : `${what} is in the ledger as another one`,
  ].filter((sentence) => sentence !== '')
}

function judgeCancel({ call, end }: Seen<'order-cancel'>, { orders }: Kept): readonly string[] {
  const status = orders.get(call.key)
  return end !== 'ok' || status === 'cancelled' || status === 'refunded'
    ? []
    : [`the cancelling of order ${call.key} was acknowledged, but it is ${status ?? 'missing'}`]
}

/** How far an order has come: it never goes back. */
const STEPS = ['placed', 'awaiting-payment', 'confirmed', 'cancelled', 'refunded']

/** What clients saw of an order, one after the other, and what it is now. */
function judgeReads(orderId: string, reads: readonly Seen<'order-read'>[], { orders }: Kept): readonly string[] {
  const seen = reads.flatMap((read) =>
    read.end === 'ok' ? [{ from: read.from, to: read.to, state: read.facts.state ?? '' }] : [],
  )
  const now = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY, state: orders.get(orderId) ?? 'missing' }
  const inTurn = [...seen, now].sort((a, b) => a.from - b.from)
  const ended = [...seen].sort((a, b) => a.to - b.to)
  let furthest = ''
  let next = 0
  return inTurn.flatMap(({ from, state }) => {
    for (let read = ended[next]; read && read.to < from; read = ended[++next])
      if (STEPS.indexOf(read.state) > STEPS.indexOf(furthest)) furthest = read.state
    return STEPS.indexOf(state) < STEPS.indexOf(furthest)
      ? [`order ${orderId} was seen as ${furthest}, and after that it is ${state}`]
      : []
  })
}
