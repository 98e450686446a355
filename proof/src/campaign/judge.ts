import { type BookName, type Books, openBooks } from '../verify/books.ts'
import { type Finding, finding } from '../verify/finding.ts'
import { verify } from '../verify/verify.ts'
import type { Journal } from './journal.ts'

/** What may become of an order that a customer saw at its end: it can be cancelled afterwards, and money that came too late goes back. */
const AFTERWARDS: Readonly<Record<string, readonly string[]>> = {
  confirmed: ['confirmed', 'cancelled', 'refunded'],
  cancelled: ['cancelled', 'refunded'],
  refunded: ['refunded'],
}

/** The whole checker on the books, and beside it what customers saw with their own eyes. Nobody may be shopping meanwhile. */
export async function judge(options: {
  readonly urls: Readonly<Record<BookName, string>>
  readonly journal: Journal
  readonly settleMs: number
}): Promise<readonly Finding[]> {
  const books = openBooks(options.urls)
  try {
    const { settleMs, journal } = options
    const findings = await verify(books, { settleMs, historyFile: journal.historyFile })
    return [...findings, await checkSeen(books, journal)]
  } finally {
    await books.close()
  }
}

/** I10: what a customer was shown does not disappear. */
async function checkSeen(books: Books, journal: Journal): Promise<Finding> {
  const rows = await books.read<{ order_id: string; status: string }>(
    'order',
    'SELECT order_id, status FROM order_view',
  )
  const { seen } = journal.read()
  const violations = judgeSeen(seen, new Map(rows.map(({ order_id, status }) => [order_id, status])))
  return finding('I10', 'nothing that was acknowledged disappears', { counts: { seen: seen.length }, violations })
}

/** Compares what customers saw with what the orders are now; an order that had not come to its end may be anything but gone. */
export const judgeSeen = (
  seen: readonly { readonly orderId: string; readonly status: string }[],
  statusOf: ReadonlyMap<string, string>,
): readonly string[] =>
  seen.flatMap(({ orderId, status }) => {
    const now = statusOf.get(orderId)
    const mayBe = AFTERWARDS[status]
    const isFine = now !== undefined && (mayBe === undefined || mayBe.includes(now))
    return isFine ? [] : [`a customer saw order ${orderId} ${status}, now it is ${now ?? 'gone'}`]
  })
