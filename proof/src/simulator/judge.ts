import type { HistoryRecord } from '../history.ts'
import type { Books } from '../verify/books.ts'
import { historyOf } from '../verify/read-history.ts'
import { findingsOf } from '../verify/verify.ts'
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
export async function judge(servers: DatabaseServers, records: readonly HistoryRecord[]): Promise<readonly string[]> {
  const findings = await findingsOf(booksOf(servers), historyOf(records))
  return findings.flatMap(({ invariant, violations }) => violations.map((violation) => `${invariant}: ${violation}`))
}
