import type { Clock } from '@micromart/kernel/clock'
import { createBatcher } from '@micromart/postgres/batcher'
import type { Database } from '@micromart/postgres/database'
import type { HandOver, Mailbox, MailboxMail, MailPort, OutgoingMail } from '../ports.ts'

const PUT = `
  INSERT INTO mailbox (id, recipient, subject, body_text, body_html, template, order_id, sent_at)
  SELECT *, $8::timestamptz
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[])
  ON CONFLICT (id) DO UPDATE SET duplicates = mailbox.duplicates + 1`
const COLUMNS = `id, recipient AS "to", subject, body_text AS text, body_html AS html, template, order_id AS "orderId", sent_at AS "sentAt"`
const FIND = `SELECT ${COLUMNS} FROM mailbox WHERE id = $1`
const NEWEST = `
  SELECT ${COLUMNS} FROM mailbox
  WHERE $1::timestamptz IS NULL OR (sent_at, id) < ($1, $2::text)
  ORDER BY sent_at DESC, id DESC LIMIT $3`
const NEWEST_OF = `
  SELECT ${COLUMNS} FROM mailbox
  WHERE lower(recipient) = lower($4) AND ($1::timestamptz IS NULL OR (sent_at, id) < ($1, $2::text))
  ORDER BY sent_at DESC, id DESC LIMIT $3`

/** Mail goes into a table instead of to a mail server; the mailbox page shows it. */
export function postgresMailbox({ database, clock }: { database: Database; clock: Clock }): MailPort & Mailbox {
  type Item = OutgoingMail & { readonly resolve: (result: HandOver) => void; readonly reject: (error: unknown) => void }

  const put = async (given: readonly Item[]) => {
    const mails = [...new Map(given.map((mail) => [mail.id, mail])).values()]
    await database.execute(PUT, [
      mails.map(({ id }) => id),
      mails.map(({ to }) => to.address),
      mails.map(({ subject }) => subject),
      mails.map(({ text }) => text),
      mails.map(({ html }) => html),
      mails.map(({ template }) => template),
      mails.map(({ orderId }) => orderId),
      clock.now(),
    ])
    for (const { resolve } of given) resolve({ kind: 'taken' })
  }
  const batcher = createBatcher<Item>({
    flush: put,
    onError: (error, mails) => {
      for (const { reject } of mails) reject(error)
    },
  })

  return {
    recognisesRepeats: true,
    leaseMs: 60_000,
    handOver: (mail) => new Promise<HandOver>((resolve, reject) => batcher.add({ ...mail, resolve, reject })),
    list: ({ to, before, limit }) => {
      const page = [before?.sentAt ?? null, before?.id ?? null, limit]
      return to === undefined
        ? database.query<MailboxMail>(NEWEST, page)
        : database.query<MailboxMail>(NEWEST_OF, [...page, to])
    },
    find: async (id) => (await database.query<MailboxMail>(FIND, [id]))[0],
  }
}
