import { PasswordChanged } from '@micromart/contracts/user'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Result } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { AccountChanges, AccountLinks, EndSessions, OpenAccount, OpenAccounts } from './account-ports.ts'
import type { AccountLink } from './domain/account-link.ts'
import { type LinkRefusal, linkInvalid } from './open-link.ts'
import { provenLock, type WrongPassword } from './reauthenticate.ts'

export interface NewPassword {
  /** By somebody who knows the old one; their own session stays. */
  change(
    tx: Transaction,
    change: { proven: OpenAccount; passwordHash: string; sessionId: string | undefined },
  ): Promise<Result<void, WrongPassword>>
  /** By somebody who reads the account's mail. No session stays. */
  reset(tx: Transaction, reset: { link: AccountLink; passwordHash: string }): Promise<Result<void, LinkRefusal>>
}

/** Whoever had got hold of the account is out: sessions end, and so do all links that are open. */
export function newPassword(parts: {
  accounts: OpenAccounts
  changes: AccountChanges
  links: AccountLinks
  sessions: EndSessions
  outbox: Outbox
  audit: AuditLog
  ids: Ids
}): NewPassword {
  const { accounts, changes, links, sessions, outbox, audit, ids } = parts

  const set = async (
    tx: Transaction,
    {
      userId,
      passwordHash,
      ...how
    }: { userId: string; passwordHash: string; action: string; keep?: string | undefined },
  ) => {
    const changeId = ids.next()
    changes.setPassword(tx, userId, passwordHash)
    links.endAll(tx, userId)
    await sessions.endAll(tx, userId, how.keep)
    await outbox.add(tx, [send(PasswordChanged, { userId, changeId })])
    await audit.append(tx, { actor: userId, action: how.action, subject: userId, details: { changeId } })
    return ok(undefined)
  }

  return {
    async change(tx, { proven, passwordHash, sessionId }) {
      const locked = await provenLock(tx, { accounts, proven })
      if (!locked.ok) return locked
      return set(tx, { userId: proven.id, passwordHash, action: 'user.password-changed', keep: sessionId })
    },

    async reset(tx, { link: { id, userId, email }, passwordHash }) {
      const account = await accounts.lock(tx, userId)
      if (account?.email !== email || !(await links.use(tx, id))) return linkInvalid
      if (!account.emailVerified) await changes.setVerifiedEmail(tx, userId, email)
      return set(tx, { userId, passwordHash, action: 'user.password-reset' })
    },
  }
}
