import type { Database } from '@micromart/postgres/database'
import type { OwnData } from '../privacy-ports.ts'

/** Everything here that belongs to a person, table by table: what they may read of it, and how it goes. */
const parts = [
  {
    what: 'closedAccount',
    read: 'SELECT email, closed_at AS "closedAt" FROM closed_accounts WHERE user_id = $1',
    erase: 'DELETE FROM closed_accounts WHERE user_id = $1',
  },
  {
    what: 'accountLinks',
    read: `
      SELECT purpose, email, previous_email AS "previousEmail", created_at AS "createdAt", ended_at AS "endedAt"
      FROM account_links WHERE user_id = $1 ORDER BY created_at`,
    erase: 'DELETE FROM account_links WHERE user_id = $1',
  },
  {
    what: 'addresses',
    read: `
      SELECT name, line1, line2, city, region, postal_code AS "postalCode", country, created_at AS "createdAt"
      FROM addresses WHERE user_id = $1 ORDER BY id`,
    erase: 'DELETE FROM addresses WHERE user_id = $1',
  },
  {
    what: 'sessions',
    read: `
      SELECT user_agent AS "userAgent", created_at AS "createdAt", last_used_at AS "lastUsedAt", ended_at AS "endedAt"
      FROM sessions WHERE user_id = $1 ORDER BY created_at`,
    erase: 'DELETE FROM sessions WHERE user_id = $1',
  },
  {
    what: 'apiKeys',
    read: `
      SELECT name, scopes, created_at AS "createdAt", last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"
      FROM api_keys WHERE owner_id = $1 ORDER BY created_at`,
    erase: 'DELETE FROM api_keys WHERE owner_id = $1',
  },
  {
    what: 'authenticatorApp',
    read: 'SELECT created_at AS "createdAt", confirmed_at AS "confirmedAt" FROM totp_factors WHERE user_id = $1',
    erase: 'DELETE FROM totp_factors WHERE user_id = $1',
  },
  {
    what: 'recoveryCodes',
    read: 'SELECT used_at AS "usedAt" FROM recovery_codes WHERE user_id = $1',
    erase: 'DELETE FROM recovery_codes WHERE user_id = $1',
  },
  {
    what: 'unfinishedSignIns',
    read: 'SELECT expires_at AS "expiresAt" FROM sign_in_challenges WHERE user_id = $1',
    erase: 'DELETE FROM sign_in_challenges WHERE user_id = $1',
  },
  {
    what: 'identities',
    read: 'SELECT provider, issuer, subject, linked_at AS "linkedAt" FROM identities WHERE user_id = $1 ORDER BY linked_at',
    erase: 'DELETE FROM identities WHERE user_id = $1',
  },
  {
    what: 'unfinishedLinks',
    read: 'SELECT provider, status, expires_at AS "expiresAt" FROM provider_rounds WHERE owner_id = $1',
    erase: 'DELETE FROM provider_rounds WHERE owner_id = $1',
  },
  {
    what: 'dataExports',
    read: 'SELECT status, requested_at AS "requestedAt" FROM data_exports WHERE user_id = $1 ORDER BY requested_at',
    erase: 'DELETE FROM data_exports WHERE user_id = $1',
  },
  {
    what: 'account',
    read: `
      SELECT id, email, name, roles, locale, email_verified_at AS "emailVerifiedAt", marketing_consent_at AS "marketingConsentAt",
        created_at AS "createdAt", closed_at AS "closedAt"
      FROM users WHERE id = $1`,
    erase: 'DELETE FROM users WHERE id = $1',
  },
]

const FORGET_ANSWERS = `
  DELETE FROM idempotency_keys
  WHERE caller = 'user:' || $1 OR (caller = 'anonymous' AND route = 'POST /api/v1/auth/register' AND nullif(body, '')::json ->> 'id' = $1)`
const SECURITY_LOG = `
  SELECT action, details, at FROM audit_log WHERE subject = $1::text OR actor = $1::text ORDER BY sequence`
const COUNT_LOG = 'SELECT count(*)::int AS rows FROM audit_log WHERE subject = $1::text OR actor = $1::text'

/** The account goes last, because the rest hangs on it. The security log stays: it knows an id, and a chain with a hole proves nothing. */
export const postgresPersonalData = (database: Database): OwnData => ({
  collect: async ({ userId }) => {
    const found = await Promise.all(
      parts.map(async ({ what, read }) => [what, await database.query(read, [userId])] as const),
    )
    return { ...Object.fromEntries(found), securityLog: await database.query(SECURITY_LOG, [userId]) }
  },
  erase: async (tx, { userId }) => {
    const erased: { what: string; rows: number }[] = []
    for (const { what, erase } of parts) erased.push({ what, rows: await tx.execute(erase, [userId]) })
    erased.push({ what: 'answers kept for repeated requests', rows: await tx.execute(FORGET_ANSWERS, [userId]) })
    const [log] = await tx.query<{ rows: number }>(COUNT_LOG, [userId])
    const why = 'a chain of hashes that proves nothing was changed; it holds an id and no name'
    return { erased, kept: [{ what: 'security log', rows: log?.rows ?? 0, why }] }
  },
})
