import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { Emails } from '../ports.ts'

/** The tables differ in what their mails are about. */
const aboutColumn = { emails: 'order_id', account_emails: 'user_id' } as const

const statementsFor = (table: keyof typeof aboutColumn) => ({
  add: `
    INSERT INTO ${table} (id, ${aboutColumn[table]}, template, created_at)
    SELECT id, about, template, $4 FROM unnest($1::text[], $2::uuid[], $3::text[]) AS row (id, about, template)
    ON CONFLICT DO NOTHING
    RETURNING id`,
  note: `UPDATE ${table} SET handovers = handovers + 1 WHERE id = $1`,
  takeBack: `UPDATE ${table} SET handovers = handovers - 1 WHERE id = $1`,
  settle: `
    UPDATE ${table} SET status = row.status, reason = row.reason, settled_at = $4
    FROM unnest($1::text[], $2::text[], $3::text[]) AS row (id, status, reason)
    WHERE ${table}.id = row.id AND ${table}.status = 'waiting'`,
})

export function postgresEmails(
  table: keyof typeof aboutColumn,
  { database, clock }: { database: Database; clock: Clock },
): Emails {
  const sql = statementsFor(table)
  return {
    add: async (tx, emails) => {
      const sorted = emails.toSorted((a, b) => (a.id < b.id ? -1 : 1)) // one order for all, so that no two wait for each other
      const rows = await tx.query<{ id: string }>(sql.add, [
        sorted.map(({ id }) => id),
        sorted.map(({ about }) => about),
        sorted.map(({ template }) => template),
        clock.now(),
      ])
      return new Set(rows.map(({ id }) => id))
    },
    noteHandOver: async (id) => void (await database.execute(sql.note, [id])),
    takeBackHandOver: async (id) => void (await database.execute(sql.takeBack, [id])),
    settle: async (tx, settled) => {
      tx.write(sql.settle, [
        settled.map(({ id }) => id),
        settled.map(({ outcome }) => outcome.status),
        settled.map(({ outcome }) => (outcome.status === 'undeliverable' ? outcome.reason : null)),
        clock.now(),
      ])
    },
  }
}
