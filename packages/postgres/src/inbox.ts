import type { Clock } from '@micromart/kernel/clock'
import type { Transaction } from './database.ts'

const RECORD = `
  INSERT INTO inbox (consumer, message_id, type, handled_at)
  SELECT $1, id, type, $4 FROM unnest($2::uuid[], $3::text[]) AS row (id, type)
  ON CONFLICT DO NOTHING
  RETURNING message_id`

/**
 * Records that a consumer handles these messages, in the transaction of their effect, and tells which are new.
 * A message that another transaction is handling right now is waited for; it is new only if that one fails.
 */
export async function recordInInbox(
  tx: Transaction,
  options: { consumer: string; messages: readonly { id: string; type: string }[]; clock: Clock },
): Promise<ReadonlySet<string>> {
  const sorted = options.messages.toSorted((a, b) => (a.id < b.id ? -1 : 1)) // one order for all, so that no two wait for each other
  const rows = await tx.query<{ message_id: string }>(RECORD, [
    options.consumer,
    sorted.map(({ id }) => id),
    sorted.map(({ type }) => type),
    options.clock.now(),
  ])
  return new Set(rows.map(({ message_id }) => message_id))
}
