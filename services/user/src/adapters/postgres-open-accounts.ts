import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import { isUniqueViolation } from '@micromart/postgres/errors'
import type { AccountChanges, Closing, OpenAccount, OpenAccounts } from '../account-ports.ts'

const COLUMNS = `
  id, email, email_verified_at IS NOT NULL AS "emailVerified", name, roles, password_hash AS "passwordHash", version, locale,
  marketing_consent_at AS "marketingConsentAt", created_at AS "createdAt"`
const FIND = `SELECT ${COLUMNS} FROM users WHERE id = $1 AND closed_at IS NULL`
const LOCK = `${FIND} FOR UPDATE`
const LOCK_BY_EMAIL = `SELECT ${COLUMNS} FROM users WHERE email = $1 AND closed_at IS NULL FOR UPDATE`

export const postgresOpenAccounts = (database: Database): OpenAccounts => ({
  find: async (id) => (await database.query<OpenAccount>(FIND, [id]))[0],
  lock: async (tx, id) => (await tx.query<OpenAccount>(LOCK, [id]))[0],
  lockByEmail: async (tx, email) => (await tx.query<OpenAccount>(LOCK_BY_EMAIL, [email]))[0],
})

const SAVE_PROFILE = `
  UPDATE users SET name = $2, locale = $3, marketing_consent_at = $4, version = version + 1 WHERE id = $1`
const SET_PASSWORD = 'UPDATE users SET password_hash = $2 WHERE id = $1'
const SET_VERIFIED_EMAIL = 'UPDATE users SET email = $2, email_verified_at = $3, version = version + 1 WHERE id = $1'
const IS_TAKEN = 'SELECT id FROM users WHERE email = $1 AND id <> $2'

export const postgresAccountChanges = ({ clock }: { clock: Clock }): AccountChanges => ({
  saveProfile: (tx, { id, name, locale, marketingConsentAt }) =>
    tx.write(SAVE_PROFILE, [id, name, locale, marketingConsentAt]),
  setPassword: (tx, id, passwordHash) => tx.write(SET_PASSWORD, [id, passwordHash]),
  setVerifiedEmail: async (tx, id, email) => {
    if ((await tx.query(IS_TAKEN, [email, id])).length > 0) return 'taken'
    try {
      await tx.execute(SET_VERIFIED_EMAIL, [id, email, clock.now()])
      return 'done'
    } catch (error) {
      if (isUniqueViolation(error)) return 'taken' // by somebody who was quicker between the two statements
      throw error
    }
  },
})

/** Always before any other row of users, as whoever changes roles does it: no two wait for each other. */
const LOCK_ADMINS = `SELECT id FROM users WHERE 'admin' = ANY (roles) ORDER BY id FOR UPDATE`
const KEEP_CONTACT = 'INSERT INTO closed_accounts (user_id, email, closed_at) VALUES ($1, $2, $3)'
/** What stands for address and password can be neither: nobody can sign in with it. */
const CLOSE = `
  UPDATE users SET email = 'closed:' || id, password_hash = 'closed', roles = ARRAY['customer'], locale = NULL,
    marketing_consent_at = NULL, default_shipping_id = NULL, default_billing_id = NULL, closed_at = $2, version = version + 1
  WHERE id = $1`
const FORGET = ['addresses', 'identities', 'totp_factors', 'recovery_codes', 'sign_in_challenges'].map(
  (table) => `DELETE FROM ${table} WHERE user_id = $1`,
)
const FORGET_ROUNDS = 'DELETE FROM provider_rounds WHERE owner_id = $1'

export const postgresClosing = ({ clock }: { clock: Clock }): Closing => ({
  lockAdmins: async (tx) => (await tx.query<{ id: string }>(LOCK_ADMINS)).map(({ id }) => id),
  close: (tx, { id, email }) => {
    const now = clock.now()
    tx.write(KEEP_CONTACT, [id, email, now])
    tx.write(CLOSE, [id, now])
    for (const sql of [...FORGET, FORGET_ROUNDS]) tx.write(sql, [id])
  },
})
