import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AccountChanges, AccountLinks, OpenAccounts } from './account-ports.ts'
import type { AccountLink } from './domain/account-link.ts'
import type { MailLink, TooManyMails } from './mail-links.ts'
import { type LinkRefusal, linkInvalid } from './open-link.ts'

export type VerificationRefusal = Refusal<'user.unknown' | 'user.email-verified'> | TooManyMails

export interface EmailVerification {
  /** Mails a link to the account's address. */
  ask(tx: Transaction, userId: string): Promise<Result<void, VerificationRefusal>>
  confirm(tx: Transaction, link: AccountLink): Promise<Result<void, LinkRefusal>>
}

/** Whoever opens the link reads the mail of the address: it is theirs. */
export function emailVerification(parts: {
  accounts: OpenAccounts
  changes: AccountChanges
  links: AccountLinks
  mailLink: MailLink
  audit: AuditLog
}): EmailVerification {
  const { accounts, changes, links, mailLink, audit } = parts
  return {
    async ask(tx, userId) {
      const account = await accounts.lock(tx, userId)
      if (!account) return refuse('user.unknown', 'There is no such user')
      if (account.emailVerified) return refuse('user.email-verified', 'This e-mail address is verified already')
      const mailed = await mailLink(tx, { account, purpose: 'verify-email' })
      return mailed.ok ? ok(undefined) : mailed
    },

    async confirm(tx, { id, userId, email }) {
      const account = await accounts.lock(tx, userId)
      if (account?.email !== email || !(await links.use(tx, id))) return linkInvalid
      await changes.setVerifiedEmail(tx, userId, email)
      links.endAll(tx, userId, 'verify-email')
      await audit.append(tx, { actor: userId, action: 'user.email-verified', subject: userId, details: { linkId: id } })
      return ok(undefined)
    },
  }
}
