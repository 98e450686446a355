import { RegistrationAttempted } from '@micromart/contracts/user'
import type { Clock } from '@micromart/kernel/clock'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { AnyTimerHandler, ClaimedTimer, TimerHandler, Timers } from '@micromart/postgres/timers'
import type { OpenAccounts } from './account-ports.ts'
import type { MailLink } from './mail-links.ts'
import type { Account, Users } from './ports.ts'

const OPEN_ACCOUNT = 'open-account'

/** Of the links that set a password: the rest of an hour's stays for an owner who asks for one. */
const MOST_ATTEMPTS_TOLD = 2

export type AskForAccount = (tx: Transaction, account: Account) => Promise<void>

interface Outcome {
  readonly userId: string
  readonly action: 'user.registered' | 'user.registration-attempted'
}

/**
 * Opens accounts behind the answer, by a timer: who asks gets the same answer after the same work, one row written, whatever the address is.
 * Somebody new gets the link that verifies the address, and the owner of an account is told that there is one. The row has the address and the
 * hash of the password, and goes when it was looked at.
 */
export function registrations(parts: {
  users: Pick<Users, 'add'>
  accounts: Pick<OpenAccounts, 'lockByEmail'>
  mailLink: MailLink
  timers: Timers
  audit: AuditLog
  clock: Clock
}): { askForAccount: AskForAccount; openAccounts: AnyTimerHandler } {
  const { users, accounts, mailLink, timers, audit, clock } = parts

  const openOne = async (
    tx: Transaction,
    { data: account, context }: ClaimedTimer<Account>,
  ): Promise<Outcome | undefined> => {
    if (await users.add(tx, account)) {
      await mailLink(tx, { account, purpose: 'verify-email', context })
      return { userId: account.id, action: 'user.registered' }
    }
    const known = await accounts.lockByEmail(tx, account.email)
    if (!known) return undefined
    const told = { account: known, purpose: 'reset-password', message: RegistrationAttempted, context } as const
    await mailLink(tx, { ...told, most: MOST_ATTEMPTS_TOLD })
    return { userId: known.id, action: 'user.registration-attempted' }
  }

  const openAccounts: TimerHandler<Account> = {
    kind: OPEN_ACCOUNT,
    settle: async (tx, done) => {
      // one order for all, so that no two wait for each other's accounts
      const sorted = done.map(({ timer }) => timer).toSorted((a, b) => (a.data.email < b.data.email ? -1 : 1))
      const outcomes = []
      // the second look is for an account that was closed a moment ago: its address is free by then
      for (const timer of sorted) outcomes.push((await openOne(tx, timer)) ?? (await openOne(tx, timer)))
      for (const outcome of outcomes)
        if (outcome)
          await audit.append(tx, {
            actor: 'anonymous',
            action: outcome.action,
            subject: outcome.userId,
            details: {},
          })
    },
  }

  return {
    askForAccount: (tx, account) =>
      timers.schedule(tx, [
        {
          id: `${OPEN_ACCOUNT}:${account.id}`,
          kind: OPEN_ACCOUNT,
          subject: account.id,
          data: account,
          dueAt: clock.now(),
        },
      ]),
    openAccounts,
  }
}
