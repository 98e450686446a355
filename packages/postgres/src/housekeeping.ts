import type { Clock } from '@micromart/kernel/clock'
import type { Database } from './database.ts'

const DAY_MS = 86_400_000

/** How long records are kept: messages 30 days (a repeat later than that is not recognised), idempotency keys 72 hours. */
const rules = [
  { sql: 'DELETE FROM outbox WHERE published_at < $1', keptMs: 30 * DAY_MS },
  { sql: 'DELETE FROM inbox WHERE handled_at < $1', keptMs: 30 * DAY_MS },
  { sql: 'DELETE FROM idempotency_keys WHERE created_at < $1', keptMs: 3 * DAY_MS },
]

/** Removes what has been kept long enough. */
export async function keepHouse(database: Database, clock: Clock): Promise<void> {
  for (const { sql, keptMs } of rules) await database.execute(sql, [new Date(clock.now().getTime() - keptMs)])
}
