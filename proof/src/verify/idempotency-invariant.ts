import { readFile } from 'node:fs/promises'
import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

/** What a load tool writes down of each answered checkout. */
interface ClientRecord {
  readonly type: 'ok' | 'fail' | 'info'
  readonly op: string
  readonly key?: string
  readonly orderId?: string
  readonly body?: string
}

const KEYS = `SELECT key, caller, body, status FROM idempotency_keys WHERE route LIKE 'POST %/checkout'`
const CHARGES = `
  SELECT p.order_id, count(*)::int AS payments FROM sandbox_payments p GROUP BY p.order_id HAVING count(*) > 1`

/** I4: one idempotency key is one order and one charge, and its answers were equal to the byte. */
export async function checkIdempotency(books: Books, historyFile?: string): Promise<Finding> {
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
  const records = historyFile ? await readHistory(historyFile) : []
  violations.push(...checkHistory(records, checkouts))
  return finding('I4', 'one key, one order, one charge', {
    counts: { keys: keys.length, checkouts: checkouts.size, clientAnswers: records.length },
    violations,
  })
}

async function readHistory(file: string): Promise<readonly ClientRecord[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  return lines
    .map((line) => JSON.parse(line) as ClientRecord)
    .filter(({ type, op }) => type === 'ok' && op === 'checkout')
}

/** What the clients saw: no accepted order is missing, and no key was answered in two ways. */
function checkHistory(records: readonly ClientRecord[], checkouts: ReadonlySet<string>): readonly string[] {
  const bodies = new Map<string, string>()
  return records.flatMap(({ key = '', orderId = '', body = '' }) => {
    const before = bodies.get(key)
    bodies.set(key, body)
    return [
      checkouts.has(orderId) ? '' : `a client was told that order ${orderId} is accepted, but it does not exist`,
      before === undefined || before === body ? '' : `key ${key} was answered in two different ways`,
    ].filter((sentence) => sentence !== '')
  })
}
