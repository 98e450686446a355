import type { Database } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

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
const ERASE = `DELETE FROM mailbox WHERE ${THEIRS}`
const COUNT = `
  SELECT ((SELECT count(*) FROM emails WHERE order_id = ANY ($2::uuid[]))
    + (SELECT count(*) FROM account_emails WHERE user_id = $1))::int AS rows`

/** The development mailbox holds names and addresses; the list of what was sent holds ids. */
export const postgresPersonalData = (database: Database): PersonalDataStore => ({
  collect: async ({ userId, orderIds }) => ({
    emails: await database.query(SENT, [userId, orderIds]),
    mailbox: await database.query(MAILBOX, [userId, orderIds]),
  }),
  erase: async (tx, { userId, orderIds }) => {
    const erased = [{ what: 'mails in the mailbox', rows: await tx.execute(ERASE, [userId, orderIds]) }]
    const [emails] = await tx.query<{ rows: number }>(COUNT, [userId, orderIds])
    const why = 'proves that each mail went once; holds no address'
    return { erased, kept: [{ what: 'list of mails sent', rows: emails?.rows ?? 0, why }] }
  },
})
