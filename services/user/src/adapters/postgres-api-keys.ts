import type { Database } from '@micromart/postgres/database'
import type { ApiKey } from '../domain/api-key.ts'
import type { ApiKeyStore, KeptApiKey } from '../session-ports.ts'

const COLUMNS = `id, owner_id AS "ownerId", name, scopes, created_at AS "createdAt", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`

const ADD = `
  INSERT INTO api_keys (id, owner_id, name, digest, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
const FIND = `SELECT ${COLUMNS}, digest FROM api_keys WHERE id = $1`
const LIST = `SELECT ${COLUMNS} FROM api_keys WHERE owner_id = $1 ORDER BY created_at DESC, id DESC`
const COUNT_GOOD = `
  SELECT count(*)::int AS count FROM api_keys WHERE owner_id = $1 AND revoked_at IS NULL AND expires_at > $2`
const NOTE_USE = 'UPDATE api_keys SET last_used_at = $2 WHERE id = $1'
const REVOKE = 'UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND owner_id = $2 AND revoked_at IS NULL'
const REVOKED = 'SELECT id, revoked_at AS "endedAt" FROM api_keys WHERE revoked_at >= $1'
const FORGET = 'DELETE FROM api_keys WHERE revoked_at < $1 OR expires_at < $1'

export const postgresApiKeys = (database: Database): ApiKeyStore => ({
  add: async (tx, { id, ownerId, name, digest, scopes, createdAt, expiresAt }) =>
    void (await tx.execute(ADD, [id, ownerId, name, digest, scopes, createdAt, expiresAt])),
  find: async (id) => (await database.query<KeptApiKey>(FIND, [id]))[0],
  list: (ownerId) => database.query<ApiKey>(LIST, [ownerId]),
  countGood: async (tx, ownerId, now) => (await tx.query<{ count: number }>(COUNT_GOOD, [ownerId, now]))[0]?.count ?? 0,
  noteUse: async (id, at) => void (await database.execute(NOTE_USE, [id, at])),
  revoke: async (tx, { id, ownerId }, at) => (await tx.execute(REVOKE, [id, ownerId, at])) === 1,
  revokedSince: (since) => database.query(REVOKED, [since]),
  forget: async (before) => void (await database.execute(FORGET, [before])),
})
