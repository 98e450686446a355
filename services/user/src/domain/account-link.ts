/** What a mailed link is good for, and for nothing else. */
export const linkPurposes = ['verify-email', 'reset-password', 'change-email'] as const
export type LinkPurpose = (typeof linkPurposes)[number]

const MINUTE_MS = 60_000

/** How long a link can be used: the more it opens, the shorter. */
export const LINK_LIFETIME_MS: Readonly<Record<LinkPurpose, number>> = {
  'verify-email': 24 * 60 * MINUTE_MS,
  'reset-password': 30 * MINUTE_MS,
  'change-email': 120 * MINUTE_MS,
}

/** How long the record of a link outlives it: a late mail about it still finds whom to tell. */
export const LINK_KEPT_MS = 7 * 24 * 60 * MINUTE_MS

/** Most mails with a link of one purpose that one account is sent within the window. */
export const MOST_LINKS = 5
export const LINK_WINDOW_MS = 60 * MINUTE_MS

export interface AccountLink {
  readonly id: string
  readonly userId: string
  readonly purpose: LinkPurpose
  /** Where it is mailed to; using it proves that somebody reads mail there. */
  readonly email: string
  /** The address that is to be replaced; only for a change. */
  readonly previousEmail: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Set when it was used, or became of no use. */
  readonly endedAt: Date | null
}
