import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { User } from '../domain/account.ts'
import type { Account, Users } from '../ports.ts'

const INSERT = `
  INSERT INTO users (id, email, name, roles, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (email) DO NOTHING`
const FIND = 'SELECT id, email, name, roles FROM users WHERE id = $1'
const LOCK = 'SELECT id, email, name, roles, password_hash AS "passwordHash" FROM users WHERE id = $1 FOR UPDATE'
const FIND_BY_EMAIL = 'SELECT id, email, name, roles, password_hash AS "passwordHash" FROM users WHERE email = $1'
/** Locked, so that two admins cannot dismiss each other at the same moment: the later one sees who is left. */
const LOCK_ADMINS = `SELECT id FROM users WHERE 'admin' = ANY (roles) ORDER BY id FOR UPDATE`
const SET_ROLES = 'UPDATE users SET roles = $2 WHERE id = $1 RETURNING id, email, name, roles'

export const postgresUsers = ({ database, clock }: { database: Database; clock: Clock }): Users => ({
  add: async (db, { id, email, name, roles, passwordHash }) =>
    (await db.execute(INSERT, [id, email, name, roles, passwordHash, clock.now()])) === 1,
  find: async (id, tx) => (await (tx ?? database).query<User>(FIND, [id]))[0],
  lock: async (tx, id) => (await tx.query<Account>(LOCK, [id]))[0],
  findByEmail: async (email) => (await database.query<Account>(FIND_BY_EMAIL, [email]))[0],
  setRoles: async (tx, id, roles) => {
    const admins = await tx.query<{ id: string }>(LOCK_ADMINS)
    if (!roles.includes('admin') && admins.length === 1 && admins[0]?.id === id) return 'last-admin'
    return (await tx.query<User>(SET_ROLES, [id, roles]))[0]
  },
})
