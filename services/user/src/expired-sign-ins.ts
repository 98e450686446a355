import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { Logger } from '@micromart/telemetry/logger'

const EVERY_MS = 600_000

const FORGET = [
  'DELETE FROM sign_in_challenges WHERE expires_at < $1',
  'DELETE FROM provider_rounds WHERE expires_at < $1',
] as const

/** Removes sign-ins that were begun and never finished, every ten minutes. What has expired is refused anyway. */
export function forgetExpiredSignIns(parts: { database: Database; clock: Clock; log: Logger }): { close(): void } {
  const { database, clock, log } = parts
  const forget = async () => {
    for (const sql of FORGET) await database.execute(sql, [clock.now()])
  }
  const timer = setInterval(() => {
    forget().catch((err) => log.warn({ err }, 'expired sign-ins could not be removed; again in ten minutes'))
  }, EVERY_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
