/** What a mailed link is good for, and for nothing else. */
export const linkPurposes = ['verify-email', 'reset-password', 'change-email', 'erase-person'] as const
export type LinkPurpose = (typeof linkPurposes)[number]

const MINUTE_MS = 60_000

export type LinkLifetimes = Readonly<Record<LinkPurpose, number>>

/**
 * How long a link can be used, in ms. Those that stand in the place of a password are short (ASVS 5.0, 6.5.5: ten minutes at most); the others
 * prove an address of somebody who needs the password as well.
 */
export const linkLifetimes = ({ resetMinutes }: { resetMinutes: number }): LinkLifetimes => ({
  'verify-email': 24 * 60 * MINUTE_MS,
  'reset-password': resetMinutes * MINUTE_MS,
  'change-email': 120 * MINUTE_MS,
  'erase-person': resetMinutes * MINUTE_MS,
})

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
