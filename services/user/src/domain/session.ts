/** One device that signed in. */
export interface Session {
  readonly id: string
  readonly userId: string
  readonly userAgent: string
  readonly createdAt: Date
  readonly lastUsedAt: Date
  /** Whoever holds it has shown then who they are: when it was opened, or with the password since. */
  readonly provenAt: Date
  /** Over then at the latest, however it is used. */
  readonly expiresAt: Date
  readonly endedAt: Date | null
}

/** What is known of a refresh token; each is good for one use. */
export interface RefreshToken {
  readonly spentAt: Date | null
  /** The one repeat that is allowed has been answered. */
  readonly retried: boolean
}

export interface SessionLimits {
  /** A session that is not used for so long is over. */
  readonly idleMs: number
  readonly longestMs: number
  /** So long after its use a refresh token is taken once more: its answer may have been lost, or two windows asked at once. */
  readonly retryMs: number
}

/**
 * What a refresh token is answered with. `rotate` and `retry` give a new one; `reuse` means that two parties hold the same token, one of whom
 * stole it, so the session ends for both (RFC 9700, section 4.14.2).
 */
export type RefreshVerdict = 'rotate' | 'retry' | 'reuse' | 'over'

export function judgeRefresh(
  { session, token, now }: { session: Session; token: RefreshToken; now: Date },
  limits: SessionLimits,
): RefreshVerdict {
  if (isOver(session, now, limits)) return 'over'
  if (token.spentAt === null) return 'rotate'
  const isRecent = now.getTime() - token.spentAt.getTime() <= limits.retryMs
  // whoever has used the successor has had the answer and asks no more for it
  const isLatest = token.spentAt.getTime() >= session.lastUsedAt.getTime()
  return isRecent && isLatest && !token.retried ? 'retry' : 'reuse'
}

export const isOver = (session: Session, now: Date, limits: SessionLimits): boolean =>
  session.endedAt !== null || goodForMs(session, now, limits) <= 0

/** Nobody can have taken over the device long ago. */
export const isRecent = ({ provenAt }: Session, now: Date, recentMs: number): boolean =>
  now.getTime() - provenAt.getTime() <= recentMs

/** How long a session that is used now goes on without being used again, in ms. */
export const goodForMs = ({ lastUsedAt, expiresAt }: Session, now: Date, { idleMs }: SessionLimits): number =>
  Math.min(lastUsedAt.getTime() + idleMs, expiresAt.getTime()) - now.getTime()

const LONGEST_USER_AGENT = 200

/** What a client says of itself, for its owner's eyes: one line, cut to a bearable length. */
export const tidyUserAgent = (text: string | undefined): string =>
  (text ?? '')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, LONGEST_USER_AGENT)
