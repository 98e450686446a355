import type { Clock } from '@micromart/kernel/clock'
import type { AccountLinks, Contacts, LinkTokens } from './account-ports.ts'
import type { AccountLink, LinkPurpose } from './domain/account-link.ts'

/** What a mail about an account needs to be written. */
export interface AccountMail {
  /** Empty where the address is not known to be the person's: a name can be chosen, and a stranger's mailbox is no place for it. */
  readonly name: string
  readonly email: string
  readonly link?: string
  readonly expiresAt?: Date
}

/** Undefined when there is nobody to write to, or nothing to say any more. */
export type AccountMails = (wish: {
  userId: string
  letter: string
  linkId: string
}) => Promise<AccountMail | undefined>

/** The storefront's pages. The token is behind the #, so that it reaches no server, no log and no Referer header. */
const pages: Readonly<Record<LinkPurpose, string>> = {
  'verify-email': 'account/verify-email',
  'reset-password': 'account/reset-password',
  'change-email': 'account/confirm-email',
  'erase-person': 'account/confirm-erasure',
}

/** Letters that carry a link, and what it is for. */
const linkLetters: Readonly<Record<string, LinkPurpose>> = {
  'verify-email': 'verify-email',
  'reset-password': 'reset-password',
  'registration-attempted': 'reset-password',
  'confirm-new-email': 'change-email',
  'confirm-erasure': 'erase-person',
}

export function accountMails(parts: {
  contacts: Contacts
  links: AccountLinks
  tokens: LinkTokens
  clock: Clock
  /** Where the pages are; never taken from a request. */
  storefrontUrl: string
}): AccountMails {
  const { contacts, links, tokens, clock } = parts
  const base = parts.storefrontUrl.replace(/\/+$/, '')

  const withLink = async (link: AccountLink): Promise<AccountMail | undefined> => {
    if (link.endedAt !== null || link.expiresAt <= clock.now()) return undefined
    const { email, expiresAt, purpose, userId } = link
    const contact = await contacts.find(userId)
    if (!contact) return undefined
    const name = contact.emailVerified && contact.email === email ? contact.name : ''
    return { name, email, link: `${base}/${pages[purpose]}#token=${tokens.tokenOf(link)}`, expiresAt }
  }

  /** To the address before, which is the account's until the new one confirms, and the one to be warned afterwards. */
  const toPrevious = async ({ userId, previousEmail }: AccountLink): Promise<AccountMail | undefined> => {
    const contact = await contacts.find(userId)
    return contact && previousEmail !== null ? { name: contact.name, email: previousEmail } : undefined
  }

  return async ({ userId, letter, linkId }) => {
    if (letter === 'password-changed' || letter === 'account-closed') return contacts.find(userId)
    const link = linkId === '' ? undefined : await links.find(linkId)
    if (link?.userId !== userId) return undefined
    if (letter === 'email-change-requested' || letter === 'email-changed') return toPrevious(link)
    return linkLetters[letter] === link.purpose ? withLink(link) : undefined
  }
}
