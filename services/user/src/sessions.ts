import { SessionsEnded } from '@micromart/contracts/user-sessions'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { User } from './domain/account.ts'
import {
  goodForMs,
  isOver,
  isRecent,
  judgeRefresh,
  type RefreshToken,
  type Session,
  type SessionLimits,
  tidyUserAgent,
} from './domain/session.ts'
import { digestOf, newOpaqueToken } from './opaque-token.ts'
import type { Tokens, Users } from './ports.ts'
import type { SessionStore } from './session-ports.ts'

/** What a request tells about who signs in, and by what they proved who they are. */
export interface SignInFacts {
  readonly userAgent: string | undefined
  readonly method: 'password' | 'registration' | 'second-factor' | 'recovery-code' | 'identity-provider'
}

/** RFC 6749, section 5.1. Times are in seconds. */
export interface SignedIn {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  readonly expiresIn: number
  readonly refreshToken: string
  readonly refreshExpiresIn: number
}

export type RefreshRefusal = Refusal<'user.refresh-token-invalid'>

export interface Sessions {
  /** Opens a session for somebody who has proved who they are. Call it last: from here to the commit nobody else can write to the audit log. */
  open(tx: Transaction, user: Pick<User, 'id' | 'roles'>, facts: SignInFacts): Promise<SignedIn>
  /** A new pair of tokens for a refresh token, which is good for nothing from then on. */
  refresh(refreshToken: string): Promise<Result<SignedIn & { readonly user: User }, RefreshRefusal>>
  /** The session that a refresh token belongs to, spent or not. */
  endByToken(refreshToken: string): Promise<Result<void, RefreshRefusal>>
  /** False when it is not one of the user's. */
  end(userId: string, sessionId: string, action: 'user.signed-out' | 'user.session-revoked'): Promise<boolean>
  endEverywhere(userId: string): Promise<void>
  /** Ends all sessions of a user but `exceptId`. Whoever calls it writes into the audit log why. */
  endAll(tx: Transaction, userId: string, exceptId?: string): Promise<void>
  /** Whoever holds the session has just shown who they are. False when it is not one of the user's. */
  noteProof(userId: string, sessionId: string): Promise<boolean>
  /** Whether that was a short while ago. */
  isRecent(userId: string, sessionId: string): Promise<boolean>
  list(userId: string): Promise<readonly Session[]>
  /** Those that have ended while access tokens of theirs may still live. */
  ended(): Promise<readonly { readonly id: string; readonly tokensExpireAt: Date }[]>
  /** Removes what has been over for long. */
  keepHouse(): Promise<void>
}

/** Somebody with more devices than this loses the one that was not used for longest. */
const MOST_SESSIONS = 100

/** Those who look at the time of a token may be a little late. */
const SLACK_MS = 60_000
/** More than that end only when something is very wrong, and then the tokens live a quarter of an hour. */
const MOST_ENDED = 50_000

const isInvalid = refuse('user.refresh-token-invalid', 'This session is over; sign in again')

export function createSessions(parts: {
  database: Database
  store: SessionStore
  users: Users
  tokens: Tokens
  audit: AuditLog
  clock: Clock
  ids: Ids
  outbox: Outbox
  limits: SessionLimits & {
    readonly accessTokenMs: number
    /** So long after it was shown who holds a session, that is not asked again. */
    readonly recentMs: number
  }
}): Sessions {
  const { database, store, users, tokens, audit, clock, ids, outbox, limits } = parts
  const tokensExpire = (endedAt: Date) => new Date(endedAt.getTime() + limits.accessTokenMs + SLACK_MS)

  const giveTokens = async (tx: Transaction, user: Pick<User, 'id' | 'roles'>, session: Session): Promise<SignedIn> => {
    const refreshToken = newOpaqueToken()
    store.addToken(tx, session.id, digestOf(refreshToken))
    const refreshExpiresIn = Math.floor(goodForMs(session, clock.now(), limits) / 1_000)
    return { ...(await tokens.issue(user, session.id)), tokenType: 'Bearer', refreshToken, refreshExpiresIn }
  }

  const end = async (tx: Transaction, userId: string, sessionIds: readonly string[]): Promise<readonly string[]> => {
    const endedAt = clock.now()
    const ended = sessionIds.length === 0 ? [] : await store.end(tx, sessionIds, endedAt)
    if (ended.length > 0) {
      const tokensExpireAt = tokensExpire(endedAt).toISOString()
      await outbox.add(tx, [send(SessionsEnded, { userId, sessionIds: [...ended], tokensExpireAt })])
    }
    return ended
  }

  const note = (
    tx: Transaction,
    { userId, action, sessionId }: { userId: string; action: string; sessionId: string },
  ) => audit.append(tx, { actor: userId, action, subject: userId, details: { sessionId } })

  const endSurplus = async (tx: Transaction, userId: string) => {
    const surplus = (await store.live(tx, userId)).slice(MOST_SESSIONS - 1)
    await end(
      tx,
      userId,
      surplus.map(({ id }) => id),
    )
  }

  const endOne = async (tx: Transaction, one: { userId: string; sessionId: string; action: string }) => {
    const ended = await end(tx, one.userId, [one.sessionId])
    if (ended.length > 0) await note(tx, one)
  }

  const goOn = async (tx: Transaction, session: Session) => {
    const user = await users.find(session.userId, tx)
    return user ? ok({ user, ...(await giveTokens(tx, user, session)) }) : isInvalid
  }

  const endReused = async (tx: Transaction, { id: sessionId, userId }: Session) => {
    await end(tx, userId, [sessionId])
    await note(tx, { userId, action: 'user.refresh-token-reused', sessionId })
    return isInvalid
  }

  const use = (tx: Transaction, used: { session: Session; token: RefreshToken; digest: string }) => {
    const now = clock.now()
    const { session, digest } = used
    const usedNow = { ...session, lastUsedAt: now }
    switch (judgeRefresh({ ...used, now }, limits)) {
      case 'over':
        return isInvalid
      case 'reuse':
        return endReused(tx, session)
      case 'retry':
        store.noteRetry(tx, digest)
        return goOn(tx, usedNow)
      case 'rotate':
        store.spend(tx, session.id, now)
        return goOn(tx, usedNow)
    }
  }

  return {
    async open(tx, user, { userAgent, method }) {
      await endSurplus(tx, user.id)
      const now = clock.now()
      const session: Session = {
        ...{ id: ids.next(), userId: user.id, userAgent: tidyUserAgent(userAgent) },
        ...{ createdAt: now, lastUsedAt: now, provenAt: now },
        ...{ expiresAt: new Date(now.getTime() + limits.longestMs), endedAt: null },
      }
      store.add(tx, session)
      const given = await giveTokens(tx, user, session)
      const details = { sessionId: session.id, method }
      await audit.append(tx, { actor: user.id, action: 'user.signed-in', subject: user.id, details })
      return given
    },

    refresh: (refreshToken) =>
      database.transaction(async (tx) => {
        const digest = digestOf(refreshToken)
        const found = await store.lockByToken(tx, digest)
        return found ? use(tx, { ...found, digest }) : isInvalid
      }),

    endByToken: (refreshToken) =>
      database.transaction(async (tx) => {
        const found = await store.lockByToken(tx, digestOf(refreshToken))
        if (!found) return isInvalid
        const { id: sessionId, userId } = found.session
        await endOne(tx, { userId, sessionId, action: 'user.signed-out' })
        return ok(undefined)
      }),

    end: (userId, sessionId, action) =>
      database.transaction(async (tx) => {
        const own = (await store.live(tx, userId)).some(({ id }) => id === sessionId)
        if (own) await endOne(tx, { userId, sessionId, action })
        return own
      }),

    endEverywhere: (userId) =>
      database.transaction(async (tx) => {
        const ended = await end(tx, userId, await store.lockLive(tx, userId))
        const details = { sessions: ended.length }
        await audit.append(tx, { actor: userId, action: 'user.signed-out-everywhere', subject: userId, details })
      }),

    endAll: async (tx, userId, exceptId) => {
      const live = await store.lockLive(tx, userId)
      await end(
        tx,
        userId,
        live.filter((id) => id !== exceptId),
      )
    },

    noteProof: (userId, sessionId) =>
      database.transaction(async (tx) => {
        const own = (await store.lockLive(tx, userId)).includes(sessionId)
        if (!own) return false
        store.noteProof(tx, sessionId, clock.now())
        await note(tx, { userId, action: 'user.reauthenticated', sessionId })
        return true
      }),

    isRecent: async (userId, sessionId) => {
      const session = (await store.live(database, userId)).find(({ id }) => id === sessionId)
      return session !== undefined && isRecent(session, clock.now(), limits.recentMs)
    },

    list: async (userId) => {
      const now = clock.now()
      return (await store.live(database, userId)).filter((session) => !isOver(session, now, limits))
    },

    ended: async () => {
      const since = new Date(clock.now().getTime() - limits.accessTokenMs - SLACK_MS)
      const ended = await store.endedSince(since, MOST_ENDED)
      return ended.map(({ id, endedAt }) => ({ id, tokensExpireAt: tokensExpire(endedAt) }))
    },

    keepHouse: () => store.forget(new Date(clock.now().getTime() - limits.idleMs)),
  }
}
