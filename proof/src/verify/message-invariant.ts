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
  'micromart.user.email-verification-requested.v1': ['notification'],
  'micromart.user.password-reset-requested.v1': ['notification'],
  'micromart.user.email-change-requested.v1': ['notification'],
  'micromart.user.email-changed.v1': ['notification'],
  'micromart.user.password-changed.v1': ['notification'],
  'micromart.user.registration-attempted.v1': ['notification'],
  'micromart.user.erasure-link-requested.v1': ['notification'],
  'micromart.user.account-closed.v1': ['notification'],
  'micromart.user.erasure-requested.v1': ['cart', 'notification', 'order', 'payment'],
  'micromart.cart.person-erased.v1': ['user'],
  'micromart.notification.person-erased.v1': ['user'],
  'micromart.order.person-erased.v1': ['user'],
  'micromart.payment.person-erased.v1': ['user'],
  // broadcast: it has to be published, and nobody keeps it
  'micromart.product.product-changed.v1': [],
  'micromart.user.sessions-ended.v1': [],
}

const publishers: readonly BookName[] = ['cart', 'order', 'inventory', 'payment', 'product', 'notification', 'user']
const consumers: readonly BookName[] = ['cart', 'order', 'inventory', 'payment', 'notification', 'analytics', 'user']

interface Sent {
  readonly id: string
  readonly type: string
  readonly published: boolean
}

/** A message is one cause: what it makes of an order it makes once. */
const CAUSED_TWICE = `
  SELECT stream_id, type, causation_id, count(*)::int AS times FROM event_log
  GROUP BY stream_id, type, causation_id HAVING count(*) > 1`

/** I5: no message lost, none applied twice: outboxes against inboxes, both ways; what waits as a dead letter is named. */
export async function checkMessages(books: Books): Promise<Finding> {
  const sent = new Map<string, Sent>()
  for (const name of publishers) for (const message of await readOutbox(books, name)) sent.set(message.id, message)
  const heard = new Map<BookName, ReadonlySet<string>>()
  for (const name of consumers) heard.set(name, await readInbox(books, name))
  const dead = await countDeadLetters(books)
  const givenUp = await readGivenUp(books)
  const repeated = await books.read<{ stream_id: string; type: string; causation_id: string; times: number }>(
    'order',
    CAUSED_TWICE,
  )
  return finding('I5', 'no message lost, none applied twice', {
    counts: {
      sent: sent.size,
      handled: [...heard.values()].reduce((sum, ids) => sum + ids.size, 0),
      deadLetters: dead,
    },
    violations: [
      ...[...sent.values()].flatMap((message) => judgeSent(message, heard)),
      ...[...heard].flatMap(([consumer, ids]) =>
        [...ids]
          .filter((id) => !sent.has(id) && !givenUp.has(id))
          .map((id) => `${consumer} has handled ${id}, which nobody sent`),
      ),
      ...repeated.map(
        ({ stream_id, type, causation_id, times }) =>
          `${causation_id} was applied ${times} times: it made ${type} of order ${stream_id} each time`,
      ),
      ...(dead > 0 ? [`${dead} dead letters wait for a decision: micromart dead-letters list`] : []),
    ],
  })
}

function judgeSent(
  { id, type, published }: Sent,
  heard: ReadonlyMap<BookName, ReadonlySet<string>>,
): readonly string[] {
  const audience = listeners[type]
  if (!audience) return [`${type} is sent but nobody is known to listen`]
  return [
    ...(published ? [] : [`${type} ${id} has not been published`]),
    ...audience
      .filter((consumer) => !heard.get(consumer)?.has(id))
      .map((consumer) => `${consumer} has not handled ${type} ${id}`),
  ]
}

const readOutbox = (books: Books, name: BookName) =>
  books.read<Sent>(name, 'SELECT id, type, published_at IS NOT NULL AS published FROM outbox WHERE id >= $1', [
    oldestJudged(),
  ])

const readInbox = async (books: Books, name: BookName) => {
  const rows = await books.read<{ message_id: string }>(
    name,
    'SELECT message_id FROM inbox WHERE consumer = $1 AND message_id >= $2',
    [name, oldestJudged()],
  )
  return new Set(rows.map(({ message_id }) => message_id))
}

/** Outboxes and inboxes forget after 30 days, each at its own hour: what is nearly as old is not judged. A message's id is a UUID version 7, so it tells its age. */
function oldestJudged(): string {
  const time = (Date.now() - 29 * 86_400_000).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}

/** Messages that became dead letters: recorded as heard, but they had no effect, whoever sent them. */
async function readGivenUp(books: Books): Promise<ReadonlySet<string>> {
  const sql = 'SELECT message_id::text AS id FROM dead_letters WHERE message_id IS NOT NULL'
  const letters = await Promise.all(consumers.map((name) => books.read<{ id: string }>(name, sql)))
  return new Set(letters.flat().map(({ id }) => id))
}

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
