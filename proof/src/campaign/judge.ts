import { type BookName, type Books, openBooks } from '../verify/books.ts'
import { type Finding, finding } from '../verify/finding.ts'
import { verify } from '../verify/verify.ts'
import type { Journal } from './journal.ts'

const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])

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

/** I10: what a customer was shown does not disappear. A confirmed order can be refunded later; a cancelled one stays cancelled. */
async function checkSeen(books: Books, journal: Journal): Promise<Finding> {
  const rows = await books.read<{ order_id: string; status: string }>(
    'order',
    'SELECT order_id, status FROM order_view',
  )
  const statusOf = new Map(rows.map(({ order_id, status }) => [order_id, status]))
  const seen = journal.read().seen.filter(({ status }) => FINAL.has(status))
  const violations = seen.flatMap(({ orderId, status }) => {
    const now = statusOf.get(orderId)
    const isSame = now === status || (status === 'confirmed' && (now === 'refunded' || now === 'cancelled'))
    return isSame ? [] : [`a customer saw order ${orderId} ${status}, now it is ${now ?? 'gone'}`]
  })
  return finding('I10', 'nothing that was acknowledged disappears', { counts: { seen: seen.length }, violations })
}
