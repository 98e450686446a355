import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'
import { judgeMails, type Mail, readMails } from './mails.ts'
import { type ReplayedOrder, replayOrders } from './order-replay.ts'

type Ended = 'confirmed' | 'cancelled' | 'refunded'

/** What everybody else has to make of an order that came to this end. */
const followed: Readonly<Record<Ended, { cart: string; stock: string; orderSays: string }>> = {
  confirmed: { cart: 'ordered', stock: 'committed', orderSays: 'confirmed' },
  cancelled: { cart: 'released', stock: 'cancelled', orderSays: 'cancelled' },
  refunded: { cart: 'released', stock: 'cancelled', orderSays: 'cancelled' },
}

const hasEnded = (order: ReplayedOrder): order is ReplayedOrder & { status: Ended } => order.status in followed

interface Followers {
  readonly carts: ReadonlyMap<string, string>
  readonly reservations: ReadonlyMap<string, string>
  readonly payments: ReadonlyMap<string, string>
  readonly sales: ReadonlySet<string>
  readonly refunds: ReadonlySet<string>
}

/** I12: who follows the log of the orders has arrived where it ends, and each of its e-mails was sent once or counted as a duplicate. */
export async function checkConvergence(books: Books): Promise<Finding> {
  const { orders } = await replayOrders(books)
  const versions = await readVersions(books)
  const followers = await readFollowers(books)
  const mails = await readMails(books)
  const all = [...orders.values()]
  return finding('I12', 'views have arrived where the log ends, mails are sent once', {
    counts: { orders: orders.size, ...countMails(mails) },
    violations: [
      ...all.flatMap(({ orderId, version }) => judgeView(orderId, version, versions.get(orderId))),
      ...all.filter(hasEnded).flatMap((order) => judgeFollowers(order, followers)),
      ...[...followers.sales]
        .filter((id) => !orders.get(id)?.confirmedAt)
        .map((id) => `${id} is counted as a sale, but was never confirmed`),
      ...judgeMails(orders, mails),
    ],
  })
}

const judgeView = (orderId: string, version: number, seen: number | undefined) =>
  seen === version ? [] : [`the log of order ${orderId} is at ${version}, its view at ${seen ?? 'nothing'}`]

function judgeFollowers(order: ReplayedOrder & { status: Ended }, seen: Followers): readonly string[] {
  const { orderId, status, confirmedAt, refunded } = order
  const should = followed[status]
  const asSaid = (who: string, is: string | undefined, expected: string) =>
    is === expected ? '' : `order ${orderId} is ${status}, but ${who} ${is ?? 'missing'} instead of ${expected}`
  return [
    asSaid('its cart is', seen.carts.get(orderId), should.cart),
    asSaid('its stock is', seen.reservations.get(orderId), should.stock),
    asSaid('for its payment it is', seen.payments.get(orderId), should.orderSays),
    confirmedAt === null || seen.sales.has(orderId) ? '' : `order ${orderId} was confirmed, but is not among the sales`,
    (refunded !== null) === seen.refunds.has(orderId)
      ? ''
      : `order ${orderId} is ${status}, the refunds of analytics say otherwise`,
  ].filter((sentence) => sentence !== '')
}

const countMails = (mails: readonly Mail[]) => ({
  mails: mails.length,
  sent: mails.filter(({ status }) => status === 'sent').length,
  undeliverable: mails.filter(({ status }) => status === 'undeliverable').length,
  duplicates: mails.reduce((sum, { duplicates }) => sum + duplicates, 0),
})

async function readVersions(books: Books): Promise<ReadonlyMap<string, number>> {
  const rows = await books.read<{ order_id: string; version: number }>(
    'order',
    'SELECT order_id, version FROM order_view',
  )
  return new Map(rows.map(({ order_id, version }) => [order_id, version]))
}

async function readFollowers(books: Books): Promise<Followers> {
  type Row = { order_id: string; status: string }
  const statuses = async (name: 'cart' | 'inventory' | 'payment', sql: string) =>
    new Map((await books.read<Row>(name, sql)).map(({ order_id, status }) => [order_id, status]))
  const ids = async (sql: string) => new Set((await books.read<Row>('analytics', sql)).map(({ order_id }) => order_id))
  return {
    carts: await statuses('cart', 'SELECT order_id, status FROM carts WHERE order_id IS NOT NULL'),
    reservations: await statuses('inventory', 'SELECT order_id, status FROM reservations'),
    payments: await statuses('payment', 'SELECT order_id, order_says AS status FROM payments'),
    sales: await ids('SELECT order_id FROM sales'),
    refunds: await ids('SELECT order_id FROM refunds'),
  }
}
