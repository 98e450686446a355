import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { User } from '../domain/account.ts'
import type { ExternalAccounts, Identities, LinkedIdentity } from '../external-sign-in.ts'

const OWNER = `
  SELECT u.id, u.email, u.email_verified_at IS NOT NULL AS "emailVerified", u.name, u.roles FROM identities i JOIN users u ON u.id = i.user_id
  WHERE i.issuer = $1 AND i.subject = $2 AND u.closed_at IS NULL`
const ADD = `
  INSERT INTO identities (id, user_id, provider, issuer, subject, linked_at) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (issuer, subject) DO NOTHING`
const LIST = `
  SELECT id, provider, linked_at AS "linkedAt" FROM identities WHERE user_id = $1 ORDER BY linked_at, id`
const LOCK_OWNER = 'SELECT password_hash IS NOT NULL AS "hasPassword" FROM users WHERE id = $1 FOR NO KEY UPDATE'
const REMOVE = 'DELETE FROM identities WHERE id = $1'

export const postgresIdentities = ({ database, clock }: { database: Database; clock: Clock }): Identities => ({
  ownerOf: async (tx, { issuer, subject }) => (await tx.query<User>(OWNER, [issuer, subject]))[0],
  add: async (tx, { id, userId, provider, issuer, subject }) =>
    (await tx.execute(ADD, [id, userId, provider, issuer, subject, clock.now()])) === 1,
  list: (userId) => database.query<LinkedIdentity>(LIST, [userId]),
  remove: async (tx, userId, id) => {
    // two that are removed at once must not each take the other for the way in that stays
    const [owner] = await tx.query<{ hasPassword: boolean }>(LOCK_OWNER, [userId])
    const all = await tx.query<LinkedIdentity>(LIST, [userId])
    const identity = all.find((one) => one.id === id)
    if (!owner || !identity) return undefined
    if (!owner.hasPassword && all.length === 1) return 'last-way-in'
    tx.write(REMOVE, [id])
    return identity
  },
})

const LOCK_BY_EMAIL = `
  SELECT id, email, name, roles, email_verified_at IS NOT NULL AS "emailVerified" FROM users WHERE email = $1
  FOR NO KEY UPDATE`
const LOCK = 'SELECT id FROM users WHERE id = $1 AND closed_at IS NULL FOR NO KEY UPDATE'
const ADD_ACCOUNT = `
  INSERT INTO users (id, email, name, roles, created_at, email_verified_at) VALUES ($1, $2, $3, $4, $5, $5)
  ON CONFLICT (email) DO NOTHING`

export const postgresExternalAccounts = ({ clock }: { clock: Clock }): ExternalAccounts => ({
  lock: async (tx, id) => (await tx.query(LOCK, [id])).length === 1,
  lockByEmail: async (tx, email) => (await tx.query<User>(LOCK_BY_EMAIL, [email]))[0],
  add: async (tx, { id, email, name, roles }) =>
    (await tx.execute(ADD_ACCOUNT, [id, email, name, roles, clock.now()])) === 1,
})
