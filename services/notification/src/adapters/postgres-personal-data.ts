import type { Database } from '@micromart/postgres/database'
import type { MailedPeople } from '../ports.ts'

const SENT = `
  SELECT template, order_id AS "orderId", status, created_at AS "createdAt", settled_at AS "settledAt"
  FROM (
    SELECT id, template, order_id, status, created_at, settled_at FROM emails WHERE order_id = ANY ($2::uuid[])
    UNION ALL
    SELECT id, template, NULL, status, created_at, settled_at FROM account_emails WHERE user_id = $1
  ) AS mails ORDER BY created_at, id`
const THEIRS = 'order_id = ANY ($2::uuid[]) OR id IN (SELECT id FROM account_emails WHERE user_id = $1)'
const MAILBOX = `
  SELECT recipient, subject, body_text AS text, sent_at AS "sentAt" FROM mailbox WHERE ${THEIRS} ORDER BY sent_at, id`
const ERASE = `DELETE FROM mailbox WHERE ${THEIRS} RETURNING id, 1 + duplicates AS handovers`
/** That a mail was handed over stays known; the mail itself does not. */
const noteHandOvers = (table: 'emails' | 'account_emails') => `
  UPDATE ${table} SET handovers = ${table}.handovers + row.handovers
  FROM unnest($1::text[], $2::int[]) AS row (id, handovers) WHERE ${table}.id = row.id`
const WAITING = `
  SELECT id FROM emails WHERE order_id = ANY ($2::uuid[]) AND status = 'waiting'
  UNION ALL
  SELECT id FROM account_emails WHERE user_id = $1 AND status = 'waiting'`
const COUNT = `
  SELECT ((SELECT count(*) FROM emails WHERE order_id = ANY ($2::uuid[]))
    + (SELECT count(*) FROM account_emails WHERE user_id = $1))::int AS rows`

/** The development mailbox holds names and addresses; the list of what was sent holds ids. */
export const postgresPersonalData = (database: Database): MailedPeople => ({
  collect: async ({ userId, orderIds }) => ({
    emails: await database.query(SENT, [userId, orderIds]),
    mailbox: await database.query(MAILBOX, [userId, orderIds]),
  }),
  awaitMail: async (tx, { userId, orderIds }) => (await tx.query(WAITING, [userId, orderIds])).length > 0,
  erase: async (tx, { userId, orderIds }) => {
    const gone = await tx.query<{ id: string; handovers: number }>(ERASE, [userId, orderIds])
    const handovers = [gone.map(({ id }) => id), gone.map((mail) => mail.handovers)]
    for (const table of ['emails', 'account_emails'] as const) await tx.execute(noteHandOvers(table), handovers)
    const erased = [{ what: 'mails in the mailbox', rows: gone.length }]
    const [emails] = await tx.query<{ rows: number }>(COUNT, [userId, orderIds])
    const why = 'proves that each mail went once; holds no address'
    return { erased, kept: [{ what: 'list of mails sent', rows: emails?.rows ?? 0, why }] }
  },
})
