import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { SigningKey, SigningKeys } from '../ports.ts'

/** Any number: only one process changes the keys at a time. */
const KEYS_LOCK = 7_310_101

const LOCK = 'SELECT pg_advisory_xact_lock($1)'
const LIST = `
  SELECT kid, private_jwk AS "privateJwk", created_at AS "createdAt", signs_from AS "signsFrom"
  FROM signing_keys ORDER BY created_at, kid`
const INSERT = 'INSERT INTO signing_keys (kid, private_jwk, created_at, signs_from) VALUES ($1, $2, $3, $4)'
const ACTIVATE = 'UPDATE signing_keys SET signs_from = $2 WHERE kid = $1 AND signs_from IS NULL'
const REMOVE = 'DELETE FROM signing_keys WHERE kid = $1'

export const postgresSigningKeys = ({ database, clock }: { database: Database; clock: Clock }): SigningKeys => ({
  list: () => database.query<SigningKey>(LIST),
  lock: async (tx) => {
    await tx.query(LOCK, [KEYS_LOCK])
    return tx.query<SigningKey>(LIST)
  },
  add: async (tx, signsFrom) => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const privateJwk = await exportJWK(privateKey)
    const kid = await calculateJwkThumbprint(privateJwk)
    await tx.execute(INSERT, [kid, JSON.stringify(privateJwk), clock.now(), signsFrom])
  },
  activate: async (tx, kid, signsFrom) => void (await tx.execute(ACTIVATE, [kid, signsFrom])),
  remove: async (tx, kid) => void (await tx.execute(REMOVE, [kid])),
})
