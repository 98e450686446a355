import { AccountClosed } from '@micromart/contracts/user'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { AccountLinks, Closing, EndSessions, OpenAccount, OpenAccounts } from './account-ports.ts'
import { provenLock, type WrongPassword } from './reauthenticate.ts'

export type CloseRefusal = WrongPassword | Refusal<'user.last-admin'>

export type CloseAccount = (tx: Transaction, proven: OpenAccount) => Promise<Result<void, CloseRefusal>>

/** For good: nobody can sign in to it again, and its address is free. What others hold about the person waits for the erasure. */
export const accountClosing =
  (parts: {
    accounts: OpenAccounts
    closing: Closing
    links: AccountLinks
    sessions: EndSessions
    outbox: Outbox
    audit: AuditLog
  }): CloseAccount =>
  async (tx, proven) => {
    const { accounts, closing, links, sessions, outbox, audit } = parts
    const admins = await closing.lockAdmins(tx)
    const locked = await provenLock(tx, { accounts, proven })
    if (!locked.ok) return locked
    const { id: userId, email } = locked.value
    if (admins.length === 1 && admins[0] === userId)
      return refuse('user.last-admin', 'Somebody has to stay admin; make another one first')
    closing.close(tx, { id: userId, email })
    links.endAll(tx, userId)
    await sessions.endAll(tx, userId)
    await outbox.add(tx, [send(AccountClosed, { userId })])
    await audit.append(tx, { actor: userId, action: 'user.account-closed', subject: userId, details: {} })
    return ok(undefined)
  }
