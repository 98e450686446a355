import { RegistrationAttempted } from '@micromart/contracts/user'
import type { Clock } from '@micromart/kernel/clock'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, ClaimedTimer, Timers } from '@micromart/postgres/timers'
import type { OpenAccounts } from './account-ports.ts'
import { type Found, lookLater } from './look-later.ts'
import type { MailLink } from './mail-links.ts'
import type { Account, Users } from './ports.ts'

/** Of the links that set a password: the rest of an hour's stays for an owner who asks for one. */
const MOST_ATTEMPTS_TOLD = 2

export type AskForAccount = (tx: Transaction, account: Account) => Promise<void>

/** Opens accounts: somebody new gets the link that verifies the address, and the owner of an account is told that there is one. */
export function registrations(parts: {
  users: Pick<Users, 'add'>
  accounts: Pick<OpenAccounts, 'lockByEmail'>
  mailLink: MailLink
  timers: Timers
  audit: AuditLog
  clock: Clock
}): { askForAccount: AskForAccount; openAccounts: AnyTimerHandler } {
  const { users, accounts, mailLink } = parts

  const open = async (
    tx: Transaction,
    { data: account, context }: ClaimedTimer<Account>,
  ): Promise<Found | undefined> => {
    if (await users.add(tx, account)) {
      const mailed = await mailLink(tx, { account, purpose: 'verify-email', context })
      return { action: 'user.registered', userId: account.id, linkId: mailed.ok ? mailed.value.id : undefined }
    }
    const known = await accounts.lockByEmail(tx, account.email)
    if (!known) return undefined
    const told = { account: known, purpose: 'reset-password', message: RegistrationAttempted, context } as const
    const mailed = await mailLink(tx, { ...told, most: MOST_ATTEMPTS_TOLD })
    return { action: 'user.registration-attempted', userId: known.id, linkId: mailed.ok ? mailed.value.id : undefined }
  }

  const { ask, timer } = lookLater<Account>({ ...parts, kind: 'open-account' }, async (tx, wish) => {
    // the second look is for an account that was closed a moment ago: its address is free by then
    const found = (await open(tx, wish)) ?? (await open(tx, wish))
    return found ? [found] : []
  })

  return { askForAccount: (tx, account) => ask(tx, account.id, account), openAccounts: timer }
}
