import { timingSafeEqual } from 'node:crypto'
import { type Permission, permissionsOf } from '@micromart/contracts/permissions'
import { SessionsEnded } from '@micromart/contracts/user-sessions'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import { parseName } from './domain/account.ts'
import { type ApiKey, isGood, readApiKey, scopeNow, spellApiKey } from './domain/api-key.ts'
import { digestOf, newOpaqueToken } from './opaque-token.ts'
import type { Tokens, Users } from './ports.ts'
import type { ApiKeyStore } from './session-ports.ts'

export type MakeKeyRefusal = Refusal<'user.name-invalid' | 'user.scope-beyond-own' | 'user.too-many-api-keys'>
export type ExchangeRefusal = Refusal<'user.api-key-invalid'>

/** RFC 6749, section 5.1. */
export interface MachineToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  /** In seconds. */
  readonly expiresIn: number
  readonly scope: string
}

export interface ApiKeyWish {
  readonly ownerId: string
  readonly name: string
  readonly scopes: readonly Permission[]
  readonly days: number
}

export interface ApiKeys {
  /** The answer holds the key in the one moment in which anybody can read it. */
  make(tx: Transaction, wish: ApiKeyWish): Promise<Result<ApiKey & { readonly key: string }, MakeKeyRefusal>>
  list(ownerId: string): Promise<readonly ApiKey[]>
  /** False when it is not one of the owner's. */
  revoke(ownerId: string, id: string): Promise<boolean>
  /** A short access token for a key: services know nothing but those. */
  exchange(key: string): Promise<Result<MachineToken, ExchangeRefusal>>
  /** Those that were revoked while access tokens of theirs may still live. */
  ended(): Promise<readonly { readonly id: string; readonly tokensExpireAt: Date }[]>
  keepHouse(): Promise<void>
}

const MOST_KEYS = 50
const DAY_MS = 86_400_000
const KEPT_MS = 90 * DAY_MS
const TOKEN_S = 300
const SLACK_MS = 60_000
/** Its last use need not be known to the second. */
const NOTE_USE_EVERY_MS = 60_000

const isInvalid = refuse('user.api-key-invalid', 'This API key is not valid, has expired or was revoked')

export function createApiKeys(parts: {
  database: Database
  store: ApiKeyStore
  users: Users
  tokens: Tokens
  outbox: Outbox
  audit: AuditLog
  clock: Clock
  ids: Ids
}): ApiKeys {
  const { database, store, users, tokens, outbox, audit, clock, ids } = parts
  const tokensExpire = (endedAt: Date) => new Date(endedAt.getTime() + TOKEN_S * 1_000 + SLACK_MS)

  const find = async (key: string) => {
    const named = readApiKey(key)
    const kept = named && (await store.find(named.id))
    if (!named || !kept) return undefined
    const [given, known] = [Buffer.from(digestOf(named.secret)), Buffer.from(kept.digest)]
    return given.length === known.length && timingSafeEqual(given, known) ? kept : undefined
  }

  return {
    async make(tx, { ownerId, name: text, scopes, days }) {
      const parsed = parseName(text)
      if (!parsed.ok) return parsed
      const name = parsed.value
      const owner = await users.lock(tx, ownerId)
      const now = clock.now()
      const own = permissionsOf(owner?.roles ?? [])
      const beyond = scopes.filter((scope) => !own.includes(scope))
      if (beyond.length > 0)
        return refuse('user.scope-beyond-own', `A key may do no more than you: not ${beyond.join(', ')}`)
      if ((await store.countGood(tx, ownerId, now)) >= MOST_KEYS)
        return refuse('user.too-many-api-keys', `You have ${MOST_KEYS} API keys; revoke one first`)
      const secret = newOpaqueToken()
      const expiresAt = new Date(now.getTime() + days * DAY_MS)
      const made = {
        ...{ id: ids.next(), ownerId, name, scopes, createdAt: now, expiresAt },
        lastUsedAt: null,
        revokedAt: null,
      }
      await store.add(tx, { ...made, digest: digestOf(secret) })
      const details = { scopes, expiresAt: expiresAt.toISOString() }
      await audit.append(tx, { actor: ownerId, action: 'user.api-key-made', subject: `api-key:${made.id}`, details })
      return ok({ ...made, key: spellApiKey(made.id, secret) })
    },

    list: (ownerId) => store.list(ownerId),

    revoke: (ownerId, id) =>
      database.transaction(async (tx) => {
        const now = clock.now()
        if (!(await store.revoke(tx, { id, ownerId }, now))) return false
        const tokensExpireAt = tokensExpire(now).toISOString()
        await outbox.add(tx, [send(SessionsEnded, { userId: ownerId, sessionIds: [id], tokensExpireAt })])
        await audit.append(tx, {
          actor: ownerId,
          action: 'user.api-key-revoked',
          subject: `api-key:${id}`,
          details: {},
        })
        return true
      }),

    async exchange(text) {
      const now = clock.now()
      const key = await find(text)
      const owner = key && isGood(key, now) ? await users.find(key.ownerId) : undefined
      if (!key || !owner) return isInvalid
      const leftS = Math.floor((key.expiresAt.getTime() - now.getTime()) / 1_000)
      const scope = scopeNow(key, owner.roles).join(' ')
      const issued = await tokens.issueToMachine({ keyId: key.id, scope, ttlS: Math.max(1, Math.min(TOKEN_S, leftS)) })
      if (now.getTime() - (key.lastUsedAt?.getTime() ?? 0) >= NOTE_USE_EVERY_MS) await store.noteUse(key.id, now)
      return ok({ ...issued, tokenType: 'Bearer', scope })
    },

    ended: async () => {
      const since = new Date(clock.now().getTime() - TOKEN_S * 1_000 - SLACK_MS)
      const revoked = await store.revokedSince(since)
      return revoked.map(({ id, endedAt }) => ({ id, tokensExpireAt: tokensExpire(endedAt) }))
    },

    keepHouse: () => store.forget(new Date(clock.now().getTime() - KEPT_MS)),
  }
}
