import type { Clock } from '@micromart/kernel/clock'
import { type Refusal, refuse } from '@micromart/kernel/result'
import type { AccountLinks, LinkTokens } from './account-ports.ts'
import type { AccountLink, LinkPurpose } from './domain/account-link.ts'

export type LinkRefusal = Refusal<'user.link-invalid'>

/** One answer for all that can be wrong, so that nobody learns which links there are. */
export const linkInvalid = refuse(
  'user.link-invalid',
  'This link is not good any more: it was used, was replaced, or has expired; ask for a new one',
)

/** The link that a token opens, if it can still be used. Whoever uses it asks again under the account's lock. */
export type OpenLink = (token: string, purpose: LinkPurpose) => Promise<AccountLink | undefined>

/** A token that was not made here costs no query. */
export const linkOpener =
  ({ links, tokens, clock }: { links: AccountLinks; tokens: LinkTokens; clock: Clock }): OpenLink =>
  async (token, purpose) => {
    const id = tokens.idIn(token, purpose)
    const link = id === undefined ? undefined : await links.find(id)
    if (!link || link.purpose !== purpose || link.endedAt !== null) return undefined
    return link.expiresAt > clock.now() ? link : undefined
  }
