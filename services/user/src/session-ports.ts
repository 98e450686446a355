import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { ApiKey } from './domain/api-key.ts'
import type { RefreshToken, Session } from './domain/session.ts'

/** Where sessions and their refresh tokens are; tokens are known by digests alone. */
export interface SessionStore {
  add(tx: Transaction, session: Session): void
  addToken(tx: Transaction, sessionId: string, digest: string): void
  /** The session that a refresh token belongs to; nobody else can use or end it until the transaction ends. */
  lockByToken(tx: Transaction, digest: string): Promise<{ session: Session; token: RefreshToken } | undefined>
  /** Spends every refresh token of the session that is still good, and notes that the session was used. */
  spend(tx: Transaction, sessionId: string, at: Date): void
  /** Whoever holds it has just shown who they are. */
  noteProof(tx: Transaction, sessionId: string, at: Date): void
  noteRetry(tx: Transaction, digest: string): void
  /** Those that have not been ended, the last used first; some may have expired. */
  live(db: Queryable, userId: string): Promise<readonly Session[]>
  /** The ids of the live ones; nobody else can use or end them until the transaction ends. */
  lockLive(tx: Transaction, userId: string): Promise<readonly string[]>
  /** Which of them have ended by this: not those that had ended before. */
  end(tx: Transaction, ids: readonly string[], at: Date): Promise<readonly string[]>
  /** The last `most` that ended since then, the latest first. */
  endedSince(since: Date, most: number): Promise<readonly { readonly id: string; readonly endedAt: Date }[]>
  /** Removes what was over, and tokens that were spent, before then. */
  forget(before: Date): Promise<void>
}

export interface KeptApiKey extends ApiKey {
  /** Of the secret. */
  readonly digest: string
}

export interface ApiKeyStore {
  add(tx: Transaction, key: KeptApiKey): Promise<void>
  find(id: string): Promise<KeptApiKey | undefined>
  /** The newest first, with those that are over. */
  list(ownerId: string): Promise<readonly ApiKey[]>
  countGood(tx: Transaction, ownerId: string, now: Date): Promise<number>
  noteUse(id: string, at: Date): Promise<void>
  /** False when it is not one of the owner's, or was revoked before. */
  revoke(tx: Transaction, key: { id: string; ownerId: string }, at: Date): Promise<boolean>
  revokedSince(since: Date): Promise<readonly { readonly id: string; readonly endedAt: Date }[]>
  /** Removes what was over before then. */
  forget(before: Date): Promise<void>
}
