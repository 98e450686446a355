import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

export interface SigningKey {
  /** The key's thumbprint, RFC 7638. */
  readonly kid: string
  readonly privateJwk: JWK
}

/** Any number: only one process makes the first key. */
const FIRST_KEY_LOCK = 7_310_101

const LOCK = 'SELECT pg_advisory_xact_lock($1)'
const LIST = 'SELECT kid, private_jwk AS "privateJwk" FROM signing_keys ORDER BY created_at DESC, kid'
const INSERT = 'INSERT INTO signing_keys (kid, private_jwk, created_at) VALUES ($1, $2, $3)'

/** All keys, newest first; the very first start makes one. */
export const loadSigningKeys = ({
  database,
  clock,
}: {
  database: Database
  clock: Clock
}): Promise<readonly SigningKey[]> =>
  database.transaction(async (tx) => {
    await tx.query(LOCK, [FIRST_KEY_LOCK])
    const keys = await tx.query<SigningKey>(LIST)
    if (keys.length > 0) return keys
    const key = await newSigningKey()
    await tx.execute(INSERT, [key.kid, JSON.stringify(key.privateJwk), clock.now()])
    return [key]
  })

async function newSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const privateJwk = await exportJWK(privateKey)
  return { kid: await calculateJwkThumbprint(privateJwk), privateJwk }
}
