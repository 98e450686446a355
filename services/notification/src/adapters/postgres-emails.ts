import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { Emails } from '../ports.ts'

const ADD = `
  INSERT INTO emails (id, order_id, template, created_at)
  SELECT id, order_id, template, $4 FROM unnest($1::text[], $2::uuid[], $3::text[]) AS row (id, order_id, template)
  ON CONFLICT DO NOTHING
  RETURNING id`
const NOTE = 'UPDATE emails SET handovers = handovers + 1 WHERE id = $1'
const TAKE_BACK = 'UPDATE emails SET handovers = handovers - 1 WHERE id = $1'
const SETTLE = `
  UPDATE emails SET status = row.status, reason = row.reason, settled_at = $4
  FROM unnest($1::text[], $2::text[], $3::text[]) AS row (id, status, reason)
  WHERE emails.id = row.id AND emails.status = 'waiting'`

export const postgresEmails = ({ database, clock }: { database: Database; clock: Clock }): Emails => ({
  add: async (tx, emails) => {
    const sorted = emails.toSorted((a, b) => (a.id < b.id ? -1 : 1)) // one order for all, so that no two wait for each other
    const rows = await tx.query<{ id: string }>(ADD, [
      sorted.map(({ id }) => id),
      sorted.map(({ orderId }) => orderId),
      sorted.map(({ template }) => template),
      clock.now(),
    ])
    return new Set(rows.map(({ id }) => id))
  },
  noteHandOver: async (id) => void (await database.execute(NOTE, [id])),
  takeBackHandOver: async (id) => void (await database.execute(TAKE_BACK, [id])),
  settle: async (tx, settled) => {
    tx.write(SETTLE, [
      settled.map(({ id }) => id),
      settled.map(({ outcome }) => outcome.status),
      settled.map(({ outcome }) => (outcome.status === 'undeliverable' ? outcome.reason : null)),
      clock.now(),
    ])
  },
})
