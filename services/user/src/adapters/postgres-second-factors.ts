import type { Clock } from '@micromart/kernel/clock'
import type { Factor, Factors, RecoveryCodes } from '../second-factors.ts'

const FIND = `
  SELECT user_id AS "userId", sealed_secret AS "sealedSecret", confirmed_at IS NOT NULL AS "isConfirmed",
    last_step::float8 AS "lastStep", failures, waits_until AS "waitsUntil"
  FROM totp_factors WHERE user_id = $1`
const LOCK = `${FIND} FOR UPDATE`
/** Always before the rows that belong to it, as whoever closes an account does it: no two wait for each other. */
const LOCK_OWNER = 'SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE'
const OFFER = `
  INSERT INTO totp_factors (user_id, sealed_secret, key_id, created_at, last_step, failures)
  VALUES ($1, $2, $3, $4, 0, 0)
  ON CONFLICT (user_id) DO UPDATE SET sealed_secret = EXCLUDED.sealed_secret, key_id = EXCLUDED.key_id,
    created_at = EXCLUDED.created_at, last_step = 0, failures = 0, waits_until = NULL
  WHERE totp_factors.confirmed_at IS NULL`
/** The database decides that a step is used once, whoever else is at it. */
const ACCEPT = `
  UPDATE totp_factors SET last_step = $2, failures = 0, waits_until = NULL, confirmed_at = coalesce(confirmed_at, $3)
  WHERE user_id = $1 AND last_step < $2`
const NOTE_FAILURES = 'UPDATE totp_factors SET failures = $2, waits_until = $3 WHERE user_id = $1'
const REMOVE = 'DELETE FROM totp_factors WHERE user_id = $1'

export const postgresFactors = ({ clock }: { clock: Clock }): Factors => ({
  find: async (db, userId) => (await db.query<Factor>(FIND, [userId]))[0],
  lock: async (tx, userId) => {
    await tx.query(LOCK_OWNER, [userId])
    return (await tx.query<Factor>(LOCK, [userId]))[0]
  },
  offer: async (tx, { userId, sealed, keyId }) => (await tx.execute(OFFER, [userId, sealed, keyId, clock.now()])) === 1,
  accept: async (tx, userId, step) => (await tx.execute(ACCEPT, [userId, step, clock.now()])) === 1,
  noteFailures: async (tx, userId, { failures, waitsUntil }) => tx.write(NOTE_FAILURES, [userId, failures, waitsUntil]),
  remove: async (tx, userId) => tx.write(REMOVE, [userId]),
})

const REMOVE_CODES = 'DELETE FROM recovery_codes WHERE user_id = $1'
const ADD_CODE = 'INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)'
const USE_CODE = 'UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL'
const COUNT_LEFT = 'SELECT count(*)::int AS left FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL'

export const postgresRecoveryCodes = ({ clock }: { clock: Clock }): RecoveryCodes => ({
  replace: async (tx, userId, hashes) => {
    tx.write(REMOVE_CODES, [userId])
    for (const hash of hashes) tx.write(ADD_CODE, [userId, hash])
  },
  use: async (tx, userId, hash) => (await tx.execute(USE_CODE, [userId, hash, clock.now()])) === 1,
  countLeft: async (db, userId) => (await db.query<{ left: number }>(COUNT_LEFT, [userId]))[0]?.left ?? 0,
})
