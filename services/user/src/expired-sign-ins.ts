import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'

const FORGET = [
  'DELETE FROM sign_in_challenges WHERE expires_at < $1',
  'DELETE FROM provider_rounds WHERE expires_at < $1',
] as const

/** Removes sign-ins that were begun and never finished. What has expired is refused anyway. */
export async function forgetExpiredSignIns({ database, clock }: { database: Database; clock: Clock }): Promise<void> {
  for (const sql of FORGET) await database.execute(sql, [clock.now()])
}
