import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { User } from '../domain/account.ts'
import type { Account, Users } from '../ports.ts'

const INSERT = `
  INSERT INTO users (id, email, name, roles, password_hash, created_at, email_verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (email) DO NOTHING`
const COLUMNS = 'id, email, email_verified_at IS NOT NULL AS "emailVerified", name, roles'
const FIND = `SELECT ${COLUMNS} FROM users WHERE id = $1 AND closed_at IS NULL`
const LOCK = `SELECT ${COLUMNS}, password_hash AS "passwordHash" FROM users WHERE id = $1 AND closed_at IS NULL FOR UPDATE`
const FIND_BY_EMAIL = `SELECT ${COLUMNS}, password_hash AS "passwordHash" FROM users WHERE email = $1 AND closed_at IS NULL`
const NOTE_VERIFIED = 'UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL'
/** Locked, so that two admins cannot dismiss each other at the same moment: the later one sees who is left. */
const LOCK_ADMINS = `SELECT id FROM users WHERE 'admin' = ANY (roles) ORDER BY id FOR UPDATE`
const SET_ROLES = `
  UPDATE users SET roles = $2, version = version + 1 WHERE id = $1 AND closed_at IS NULL RETURNING ${COLUMNS}`

export const postgresUsers = ({ database, clock }: { database: Database; clock: Clock }): Users => ({
  add: async (db, { id, email, emailVerified, name, roles, passwordHash }) => {
    const now = clock.now()
    const verifiedAt = emailVerified ? now : null
    return (await db.execute(INSERT, [id, email, name, roles, passwordHash, now, verifiedAt])) === 1
  },
  noteVerified: async (id) => void (await database.execute(NOTE_VERIFIED, [id, clock.now()])),
  find: async (id, tx) => (await (tx ?? database).query<User>(FIND, [id]))[0],
  lock: async (tx, id) => (await tx.query<Account>(LOCK, [id]))[0],
  findByEmail: async (email) => (await database.query<Account>(FIND_BY_EMAIL, [email]))[0],
  setRoles: async (tx, id, roles) => {
    const admins = await tx.query<{ id: string }>(LOCK_ADMINS)
    if (!roles.includes('admin') && admins.length === 1 && admins[0]?.id === id) return 'last-admin'
    return (await tx.query<User>(SET_ROLES, [id, roles]))[0]
  },
})
