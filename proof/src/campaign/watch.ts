import { Client } from 'pg'
import type { Rig } from './rig/rig.ts'

/** Invariants that hold at every moment, so that they can be asked for while orders run. Each statement lists what breaks it. */
const WATCHED = [
  {
    invariant: 'I1',
    database: 'inventory',
    sql: `SELECT format('%s has %s on hand and %s promised', sku, on_hand, reserved) AS sentence FROM stock
      WHERE on_hand < 0 OR reserved < 0 OR on_hand < reserved`,
  },
  {
    invariant: 'I1',
    database: 'inventory',
    sql: `SELECT format('%s: more sold than came', sku) AS sentence FROM movements GROUP BY sku HAVING sum(quantity) < 0`,
  },
  {
    invariant: 'I4',
    database: 'sandbox',
    sql: `SELECT format('order %s has %s payments at the provider', order_id, count(*)) AS sentence
      FROM sandbox_payments GROUP BY order_id HAVING count(*) > 1`,
  },
  {
    invariant: 'I2',
    database: 'sandbox',
    sql: `SELECT format('payment %s was captured %s times', reference, count(*)) AS sentence
      FROM sandbox_ledger WHERE kind = 'capture' GROUP BY reference HAVING count(*) > 1`,
  },
] as const

export interface Watch {
  /** How often all of them were asked for and answered. */
  rounds(): number
  close(): Promise<void>
}

const EVERY_MS = 4_000

/** Asks for them every few seconds; a database that is away is asked again. */
export function startWatch(rig: Rig, onViolation: (violation: { invariant: string; sentence: string }) => void): Watch {
  let rounds = 0
  let closing = false
  let wake = () => {}
  const told = new Set<string>()
  const round = async () => {
    for (const { invariant, database, sql } of WATCHED)
      for (const sentence of await ask(rig.databases[database], sql))
        if (!told.has(sentence)) {
          told.add(sentence)
          onViolation({ invariant, sentence })
        }
    rounds += 1
  }
  const run = async () => {
    while (!closing) {
      await round().catch(() => {}) // the database is away: that is the campaign's own doing
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, EVERY_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  const running = run()
  return {
    rounds: () => rounds,
    close: async () => {
      closing = true
      wake()
      await running
    },
  }
}

async function ask(url: string, sql: string): Promise<readonly string[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, application_name: 'campaign' })
  client.on('error', () => {}) // comes as the rejection of what was asked
  try {
    await client.connect()
    return (await client.query<{ sentence: string }>(sql)).rows.map(({ sentence }) => sentence)
  } finally {
    await client.end().catch(() => {})
  }
}
