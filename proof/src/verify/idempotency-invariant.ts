import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'
import type { History, Seen } from './read-history.ts'

const KEYS = `SELECT key, caller, body, status FROM idempotency_keys WHERE route LIKE 'POST %/checkout'`
const CHARGES = `
  SELECT p.order_id, count(*)::int AS payments FROM sandbox_payments p GROUP BY p.order_id HAVING count(*) > 1`

/** I4: one idempotency key is one order and one charge, and its answers were equal to the byte. */
export async function checkIdempotency(books: Books, history?: History): Promise<Finding> {
  const keys = await books.read<{ key: string; caller: string; body: string; status: number }>('cart', KEYS)
  const checkouts = new Set(
    (await books.read<{ order_id: string }>('cart', 'SELECT order_id FROM checkouts')).map(({ order_id }) => order_id),
  )
  const violations = (await books.read<{ order_id: string; payments: number }>('sandbox', CHARGES)).map(
    ({ order_id, payments }) => `order ${order_id} has ${payments} payments at the provider`,
  )
  const orderOf = new Map<string, string>()
  for (const { key, caller, body } of keys) {
    const { orderId } = JSON.parse(body) as { orderId: string }
    if (!checkouts.has(orderId)) violations.push(`key ${key} was answered with order ${orderId}, which does not exist`)
    if (orderOf.has(orderId)) violations.push(`order ${orderId} was answered to two keys`)
    orderOf.set(orderId, `${caller} ${key}`)
  }
  const answers = history?.of('checkout') ?? []
  violations.push(...checkAnswers(answers, checkouts))
  return finding('I4', 'one key, one order, one charge', {
    counts: { keys: keys.length, checkouts: checkouts.size, clientAnswers: answers.length },
    violations,
    remarks: history ? [] : ['only in the books: what the clients were told is compared with --history'],
  })
}

/** What the clients saw: no accepted order is missing, no key was answered in two ways, and no order to two keys. */
function checkAnswers(answers: readonly Seen<'checkout'>[], checkouts: ReadonlySet<string>): readonly string[] {
  const bodies = new Map<string, string>()
  const keys = new Map<string, string>()
  return answers.flatMap((seen) => {
    if (seen.end !== 'ok') return []
    const { key, cart } = seen.call
    const { orderId = '', body = '' } = seen.facts
    const name = `${cart} ${key}`
    const before = { body: bodies.get(name) ?? body, key: keys.get(orderId) ?? name }
    bodies.set(name, body)
    keys.set(orderId, name)
    return [
      checkouts.has(orderId) ? '' : `a client was told that order ${orderId} is accepted, but it does not exist`,
      before.body === body ? '' : `key ${key} was answered in two different ways`,
      before.key === name ? '' : `order ${orderId} was answered to two keys`,
    ].filter((sentence) => sentence !== '')
  })
}
