import type { Books } from '../verify/books.ts'
import { checkEnds, checkTotals } from '../verify/checkout-invariants.ts'
import { checkIdempotency } from '../verify/idempotency-invariant.ts'
import { checkMessages } from '../verify/message-invariant.ts'
import { checkMoney } from '../verify/money-invariant.ts'
import { checkStock } from '../verify/stock-invariant.ts'
import type { DatabaseServers } from './world/servers.ts'

/** The checkers' own statements on the simulated stores. */
const booksOf = (servers: DatabaseServers): Books => ({
  read: async <Row>(name: keyof DatabaseServers, sql: string, values: readonly unknown[] = []) => {
    const session = servers[name].server.connect()
    try {
      const answer = session.run(sql, values)
      if (!('rows' in answer)) throw new Error(`Somebody keeps ${name} locked`)
      return answer.rows as readonly Row[]
    } finally {
      session.end()
    }
  },
  close: async () => {},
})

/** Every violation of an invariant, as a sentence with its number. */
export async function judge(servers: DatabaseServers): Promise<readonly string[]> {
  const books = booksOf(servers)
  const findings = [
    await checkStock(books),
    await checkMoney(books),
    await checkEnds(books),
    await checkIdempotency(books, undefined),
    await checkMessages(books),
    await checkTotals(books),
  ]
  return findings.flatMap(({ invariant, violations }) => violations.map((violation) => `${invariant}: ${violation}`))
}
