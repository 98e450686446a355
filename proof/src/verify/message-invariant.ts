import type { BookName, Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

/** Who must hear what: written down here once more, so that a subscription lost in the code is found. */
const listeners: Readonly<Record<string, readonly BookName[]>> = {
  'micromart.cart.checked-out.v1': ['order'],
  'micromart.order.placed.v1': ['inventory'],
  'micromart.order.payment-due.v1': ['payment'],
  'micromart.order.confirmed.v1': ['analytics', 'cart', 'inventory', 'notification', 'payment'],
  'micromart.order.cancelled.v1': ['cart', 'inventory', 'notification', 'payment'],
  'micromart.order.refunded.v1': ['analytics', 'notification'],
  'micromart.inventory.reserved.v1': ['order'],
  'micromart.inventory.rejected.v1': ['order'],
  'micromart.inventory.commit-refused.v1': ['order'],
  'micromart.payment.authorized.v1': ['order'],
  'micromart.payment.declined.v1': ['order'],
  'micromart.payment.action-required.v1': ['order'],
  'micromart.payment.captured.v1': ['order'],
  'micromart.payment.voided.v1': ['order'],
  'micromart.payment.refunded.v1': ['order'],
}

const publishers: readonly BookName[] = ['cart', 'order', 'inventory', 'payment']
const consumers: readonly BookName[] = ['cart', 'order', 'inventory', 'payment', 'notification', 'analytics']

/** I5: no message lost, none applied twice: outboxes against inboxes, both ways; what waits as a dead letter is named. */
export async function checkMessages(books: Books): Promise<Finding> {
  const sent = new Map<string, string>()
  const violations: string[] = []
  for (const name of publishers)
    for (const { id, type, published } of await books.read<{ id: string; type: string; published: boolean }>(
      name,
      'SELECT id, type, published_at IS NOT NULL AS published FROM outbox',
    )) {
      sent.set(id, type)
      if (!published) violations.push(`${name} has not published ${type} ${id}`)
      if (!(type in listeners)) violations.push(`${type} is sent but nobody is known to listen`)
    }
  const heard = new Map<string, Set<string>>()
  for (const name of consumers) heard.set(name, await readInbox(books, name))
  for (const [id, type] of sent)
    for (const consumer of listeners[type] ?? [])
      if (!heard.get(consumer)?.has(id)) violations.push(`${consumer} has not handled ${type} ${id}`)
  let handled = 0
  for (const [consumer, ids] of heard) {
    handled += ids.size
    for (const id of ids) if (!sent.has(id)) violations.push(`${consumer} has handled ${id}, which nobody sent`)
  }
  const dead = await countDeadLetters(books)
  if (dead > 0) violations.push(`${dead} dead letters wait for a decision: micromart dead-letters list`)
  return finding('I5', 'no message lost, none applied twice', {
    counts: { sent: sent.size, handled, deadLetters: dead },
    violations,
  })
}

const readInbox = async (books: Books, name: BookName) =>
  new Set(
    (await books.read<{ message_id: string }>(name, 'SELECT message_id FROM inbox WHERE consumer = $1', [name])).map(
      ({ message_id }) => message_id,
    ),
  )

async function countDeadLetters(books: Books): Promise<number> {
  let count = 0
  for (const name of consumers) {
    const rows = await books.read<{ count: number }>(
      name,
      `SELECT count(*)::int AS count FROM dead_letters WHERE state = 'waiting'`,
    )
    count += rows[0]?.count ?? 0
  }
  return count
}
