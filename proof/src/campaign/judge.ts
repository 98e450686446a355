import { type BookName, openBooks } from '../verify/books.ts'
import type { Finding } from '../verify/finding.ts'
import { verify } from '../verify/verify.ts'
import type { Journal } from './journal.ts'

/** The whole checker on the books, with what customers were told. Nobody may be shopping meanwhile. */
export async function judge(options: {
  readonly urls: Readonly<Record<BookName, string>>
  readonly journal: Journal
  readonly settleMs: number
}): Promise<readonly Finding[]> {
  const books = openBooks(options.urls)
  try {
    const { settleMs, journal } = options
    await journal.history.flush()
    return await verify(books, { settleMs, historyFile: journal.historyFile })
  } finally {
    await books.close()
  }
}
