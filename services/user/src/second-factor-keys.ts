import type { Database } from '@micromart/postgres/database'
import { ConfigError } from '@micromart/service-kit/config'
import type { Sealer } from './sealed-secrets.ts'

const UNREADABLE = `
  SELECT key_id AS "keyId" FROM totp_factors WHERE confirmed_at IS NOT NULL AND NOT (key_id = ANY ($1)) LIMIT 1`

/** Without its key a second factor could only be left out, or lock its owner out: neither begins. @throws ConfigError */
export async function checkSecondFactorKeys(database: Database, sealer: Sealer | undefined): Promise<void> {
  const [unreadable] = await database.query<{ keyId: string }>(UNREADABLE, [sealer?.keyIds ?? []])
  if (unreadable)
    throw new ConfigError([
      `USER_SECRETS_KEY lacks the key ${unreadable.keyId}, which second factors are sealed with; add it, after a comma if there is a newer one`,
    ])
}
