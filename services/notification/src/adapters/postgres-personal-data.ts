import type { Database } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

const EMAILS = `
  SELECT template, order_id AS "orderId", status, created_at AS "createdAt", settled_at AS "settledAt"
  FROM emails WHERE order_id = ANY ($1::uuid[]) ORDER BY created_at, id`
const MAILBOX = `
  SELECT recipient, subject, body_text AS text, sent_at AS "sentAt"
  FROM mailbox WHERE order_id = ANY ($1::uuid[]) ORDER BY sent_at, id`
const ERASE = 'DELETE FROM mailbox WHERE order_id = ANY ($1::uuid[])'
const COUNT = 'SELECT count(*)::int AS rows FROM emails WHERE order_id = ANY ($1::uuid[])'

/** The development mailbox holds names and addresses; the list of what was sent holds ids. */
export const postgresPersonalData = (database: Database): PersonalDataStore => ({
  collect: async ({ orderIds }) => ({
    emails: await database.query(EMAILS, [orderIds]),
    mailbox: await database.query(MAILBOX, [orderIds]),
  }),
  erase: async (tx, { orderIds }) => {
    const erased = [{ what: 'mails in the mailbox', rows: await tx.execute(ERASE, [orderIds]) }]
    const [emails] = await tx.query<{ rows: number }>(COUNT, [orderIds])
    const why = 'proves that each mail went once; holds no address'
    return { erased, kept: [{ what: 'list of mails sent', rows: emails?.rows ?? 0, why }] }
  },
})
