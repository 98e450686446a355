import type { Database } from '@micromart/postgres/database'
import type { Session } from '../domain/session.ts'
import type { SessionStore } from '../session-ports.ts'

const COLUMNS = `id, user_id AS "userId", user_agent AS "userAgent", created_at AS "createdAt", last_used_at AS "lastUsedAt",
  coalesce(proven_at, created_at) AS "provenAt",
  expires_at AS "expiresAt", ended_at AS "endedAt"`

const ADD = `
  INSERT INTO sessions (id, user_id, user_agent, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)`
const ADD_TOKEN = 'INSERT INTO refresh_tokens (digest, session_id) VALUES ($1, $2)'
const SESSION_OF = 'SELECT session_id AS "sessionId" FROM refresh_tokens WHERE digest = $1'
const LOCK = `SELECT ${COLUMNS} FROM sessions WHERE id = $1 FOR UPDATE`
const TOKEN = 'SELECT spent_at AS "spentAt", retried FROM refresh_tokens WHERE digest = $1'
const SPEND_ALL = 'UPDATE refresh_tokens SET spent_at = $2 WHERE session_id = $1 AND spent_at IS NULL'
const NOTE_RETRY = 'UPDATE refresh_tokens SET retried = true WHERE digest = $1'
const NOTE_PROOF = 'UPDATE sessions SET proven_at = $2 WHERE id = $1'
const USE = 'UPDATE sessions SET last_used_at = $2 WHERE id = $1'
const LIVE = `SELECT ${COLUMNS} FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY last_used_at DESC, id`
/** In one order, so that two who end them all do not wait for each other. */
const LOCK_LIVE = 'SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY id FOR UPDATE'
const END = 'UPDATE sessions SET ended_at = $2 WHERE id = ANY ($1::uuid[]) AND ended_at IS NULL RETURNING id'
const ENDED = 'SELECT id, ended_at AS "endedAt" FROM sessions WHERE ended_at >= $1 ORDER BY ended_at DESC LIMIT $2'

const FORGET_TOKENS = 'DELETE FROM refresh_tokens WHERE spent_at < $1'
const FORGET_TOKENS_OF_OVER = `
  DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE ended_at < $1 OR expires_at < $1 OR last_used_at < $1)`
const FORGET_OVER = 'DELETE FROM sessions WHERE ended_at < $1 OR expires_at < $1 OR last_used_at < $1'

export const postgresSessions = (database: Database): SessionStore => ({
  add: (tx, { id, userId, userAgent, createdAt, expiresAt }) =>
    tx.write(ADD, [id, userId, userAgent, createdAt, expiresAt]),
  addToken: (tx, sessionId, digest) => tx.write(ADD_TOKEN, [digest, sessionId]),
  lockByToken: async (tx, digest) => {
    const [key] = await tx.query<{ sessionId: string }>(SESSION_OF, [digest])
    if (!key) return undefined
    const [session] = await tx.query<Session>(LOCK, [key.sessionId])
    // read again behind the lock: whoever had it may have spent the token
    const [token] = await tx.query<{ spentAt: Date | null; retried: boolean }>(TOKEN, [digest])
    return session && token ? { session, token } : undefined
  },
  spend: (tx, sessionId, at) => {
    tx.write(SPEND_ALL, [sessionId, at])
    tx.write(USE, [sessionId, at])
  },
  noteRetry: (tx, digest) => tx.write(NOTE_RETRY, [digest]),
  noteProof: (tx, sessionId, at) => tx.write(NOTE_PROOF, [sessionId, at]),
  live: (db, userId) => db.query<Session>(LIVE, [userId]),
  lockLive: async (tx, userId) => (await tx.query<{ id: string }>(LOCK_LIVE, [userId])).map(({ id }) => id),
  end: async (tx, ids, at) => (await tx.query<{ id: string }>(END, [ids, at])).map(({ id }) => id),
  endedSince: (since, most) => database.query(ENDED, [since, most]),
  forget: async (before) => {
    await database.execute(FORGET_TOKENS, [before])
    await database.execute(FORGET_TOKENS_OF_OVER, [before])
    await database.execute(FORGET_OVER, [before])
  },
})
