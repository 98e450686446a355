import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { AccountLinks } from '../account-ports.ts'
import type { AccountLink } from '../domain/account-link.ts'

const COLUMNS = `
  id, user_id AS "userId", purpose, email, previous_email AS "previousEmail", created_at AS "createdAt", expires_at AS "expiresAt",
  ended_at AS "endedAt"`
const ADD = `
  INSERT INTO account_links (id, user_id, purpose, email, previous_email, created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`
const COUNT = `
  SELECT count(*)::int AS count FROM account_links WHERE user_id = $1 AND purpose = $2 AND created_at > $3`
const FIND = `SELECT ${COLUMNS} FROM account_links WHERE id = $1`
/** Whoever comes second finds it ended. */
const USE = `
  UPDATE account_links SET ended_at = $2
  WHERE id = $1 AND ended_at IS NULL AND expires_at > $2
  RETURNING ${COLUMNS}`
const END = 'UPDATE account_links SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL'
const END_OF_PURPOSE = `${END} AND purpose = $3`
const FORGET = 'DELETE FROM account_links WHERE id = ANY ($1::uuid[])'

export const postgresAccountLinks = ({ database, clock }: { database: Database; clock: Clock }): AccountLinks => ({
  add: (tx, { id, userId, purpose, email, previousEmail, createdAt, expiresAt }) =>
    tx.write(ADD, [id, userId, purpose, email, previousEmail, createdAt, expiresAt]),
  countSince: async (tx, { userId, purpose, since }) =>
    (await tx.query<{ count: number }>(COUNT, [userId, purpose, since]))[0]?.count ?? 0,
  find: async (id) => (await database.query<AccountLink>(FIND, [id]))[0],
  use: async (tx, id) => (await tx.query<AccountLink>(USE, [id, clock.now()]))[0],
  endAll: (tx, userId, purpose) =>
    purpose === undefined
      ? tx.write(END, [userId, clock.now()])
      : tx.write(END_OF_PURPOSE, [userId, clock.now(), purpose]),
  forget: (tx, ids) => tx.write(FORGET, [ids]),
})
