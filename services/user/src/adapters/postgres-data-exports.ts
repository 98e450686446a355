import type { Database } from '@micromart/postgres/database'
import type { DataExport, DataExports } from '../privacy-ports.ts'

const ADD = `INSERT INTO data_exports (id, user_id, status, requested_at, expires_at) VALUES ($1, $2, 'collecting', $3, $4)`
const COLUMNS = `id, status, requested_at AS "requestedAt", ready_at AS "readyAt", expires_at AS "expiresAt"`
const UNFINISHED = `SELECT ${COLUMNS} FROM data_exports WHERE user_id = $1 AND status = 'collecting' LIMIT 1`
const FILL = `UPDATE data_exports SET status = 'ready', document = $2, ready_at = $3 WHERE id = $1 AND status = 'collecting'`
const FIND = `SELECT ${COLUMNS} FROM data_exports WHERE id = $1 AND user_id = $2 AND expires_at > $3`
const DOCUMENT = 'SELECT document FROM data_exports WHERE id = $1 AND user_id = $2 AND expires_at > $3'
const DROP = 'DELETE FROM data_exports WHERE id = $1'

export const postgresDataExports = (database: Database): DataExports => ({
  add: async (tx, { id, userId, requestedAt, expiresAt }) =>
    void (await tx.execute(ADD, [id, userId, requestedAt, expiresAt])),
  unfinished: async (tx, userId) => (await tx.query<DataExport>(UNFINISHED, [userId]))[0],
  fill: async (tx, { id, document, at }) => void (await tx.execute(FILL, [id, JSON.stringify(document), at])),
  find: async ({ id, userId, now }) => (await database.query<DataExport>(FIND, [id, userId, now]))[0],
  document: async ({ id, userId, now }) =>
    (await database.query<{ document: unknown }>(DOCUMENT, [id, userId, now]))[0]?.document ?? undefined,
  drop: async (tx, id) => void (await tx.execute(DROP, [id])),
})
