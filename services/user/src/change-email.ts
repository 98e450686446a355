import { EmailChanged } from '@micromart/contracts/user'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { AccountChanges, AccountLinks, OpenAccount, OpenAccounts } from './account-ports.ts'
import type { AccountLink } from './domain/account-link.ts'
import type { MailLink, TooManyMails } from './mail-links.ts'
import { type LinkRefusal, linkInvalid } from './open-link.ts'
import { provenLock, type WrongPassword } from './reauthenticate.ts'

export type ChangeEmailRefusal = Refusal<'user.email-unchanged'> | TooManyMails | WrongPassword

export interface EmailChange {
  /** Both addresses are written to, and nothing changes yet. Whether the new one has an account is not looked at here, and so not told. */
  ask(tx: Transaction, proven: OpenAccount, newEmail: string): Promise<Result<void, ChangeEmailRefusal>>
  confirm(tx: Transaction, link: AccountLink): Promise<Result<void, LinkRefusal | Refusal<'user.email-taken'>>>
}

/** The address of an account changes when the new one confirms, and the old one hears of it both times. */
export function emailChange(parts: {
  accounts: OpenAccounts
  changes: AccountChanges
  links: AccountLinks
  mailLink: MailLink
  outbox: Outbox
  audit: AuditLog
}): EmailChange {
  const { accounts, changes, links, mailLink, outbox, audit } = parts
  return {
    async ask(tx, proven, newEmail) {
      const locked = await provenLock(tx, { accounts, proven })
      if (!locked.ok) return locked
      const account = locked.value
      if (account.email === newEmail)
        return refuse('user.email-unchanged', 'This is the address of the account already')
      links.endAll(tx, account.id, 'change-email')
      const mailed = await mailLink(tx, { account, purpose: 'change-email', newEmail })
      if (!mailed.ok) return mailed
      const details = { linkId: mailed.value.id }
      await audit.append(tx, {
        ...{ actor: account.id, action: 'user.email-change-requested', subject: account.id, details },
      })
      return ok(undefined)
    },

    async confirm(tx, { id, userId, email, previousEmail }) {
      const account = await accounts.lock(tx, userId)
      if (!account || account.email !== previousEmail || !(await links.use(tx, id))) return linkInvalid
      if ((await changes.setVerifiedEmail(tx, userId, email)) === 'taken')
        return refuse('user.email-taken', 'There is an account with this e-mail address already')
      links.endAll(tx, userId)
      await outbox.add(tx, [send(EmailChanged, { userId, linkId: id })])
      await audit.append(tx, { actor: userId, action: 'user.email-changed', subject: userId, details: { linkId: id } })
      return ok(undefined)
    },
  }
}
