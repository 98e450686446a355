import { createHash, randomBytes } from 'node:crypto'
import { type ErasureReport, ErasureRequested, type Keeper, keepers } from '@micromart/contracts/personal-data'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { ClaimedTimer, TimerHandler, Timers } from '@micromart/postgres/timers'
import type { Erasures, Keepers, OwnData } from './privacy-ports.ts'

const BEGIN_ERASURE = 'begin-erasure'

/** An order that waits for stock or money is over within minutes. */
const LOOK_AGAIN_MS = 15_000

export type ErasureRefusal = Refusal<'user.erasure-running'>

export interface ErasureParts {
  readonly erasures: Erasures
  readonly keepers: Keepers
  readonly own: OwnData
  readonly outbox: Outbox
  readonly timers: Timers
  readonly clock: Clock
  readonly ids: Ids
  readonly audit: AuditLog
  /** Mails that are on their way, such as that the account is closed, get out meanwhile. */
  readonly afterMs: number
}

export interface Erasure {
  /** The account is closed. @returns the token that opens the receipt; it is shown once */
  request(
    tx: Transaction,
    request: { userId: string; actor: string },
  ): Promise<Result<{ readonly receiptToken: string }, ErasureRefusal>>
  /** A service has erased its part; after the last of them the user service erases its own. */
  noteReport(tx: Transaction, report: { id: string; service: Keeper; report: ErasureReport }): Promise<void>
  readonly timer: TimerHandler<{ userId: string }, readonly string[] | undefined>
}

export const receiptHash = (token: string): string => createHash('sha256').update(token).digest('base64url')

/**
 * Forgets a person in every service, as a saga that only goes forward: it waits until no order of theirs is open, asks everybody at once, and erases
 * the account last, because until then its address may still be needed for a mail.
 */
export function createErasure({
  erasures,
  keepers: others,
  own,
  outbox,
  timers,
  clock,
  ids,
  audit,
  afterMs,
}: ErasureParts): Erasure {
  const begin = async (tx: Transaction, { id, userId, dueAt }: { id: string; userId: string; dueAt: Date }) =>
    timers.schedule(tx, [
      { id: `${BEGIN_ERASURE}:${id}:${dueAt.getTime()}`, kind: BEGIN_ERASURE, subject: id, data: { userId }, dueAt },
    ])

  const ask = async (tx: Transaction, timer: ClaimedTimer<{ userId: string }>, orderIds: readonly string[]) => {
    if (!(await erasures.noteAsked(tx, timer.subject))) return
    const { userId } = timer.data
    await outbox.add(tx, [
      send(ErasureRequested, { erasureId: timer.subject, userId, orderIds: [...orderIds] }, timer.context),
    ])
  }

  return {
    async request(tx, { userId, actor }) {
      const id = ids.next()
      const receiptToken = randomBytes(32).toString('base64url')
      const requestedAt = clock.now()
      if (!(await erasures.add(tx, { id, receiptHash: receiptHash(receiptToken), userId, requestedAt })))
        return refuse('user.erasure-running', 'This account is being erased already; its first answer had the receipt')
      await begin(tx, { id, userId, dueAt: new Date(requestedAt.getTime() + afterMs) })
      await audit.append(tx, { actor, action: 'user.erasure-requested', subject: userId, details: {} })
      return ok({ receiptToken })
    },

    async noteReport(tx, { id, service, report }) {
      const userId = await erasures.lock(tx, id)
      if (userId === undefined) return
      const at = clock.now()
      const reported = await erasures.report(tx, { id, service, report, at })
      if (!keepers.every((keeper) => reported.includes(keeper))) return
      await erasures.report(tx, { id, service: 'user', report: await own.erase(tx, { userId, orderIds: [] }), at })
      await erasures.finish(tx, id, at)
    },

    timer: {
      kind: BEGIN_ERASURE,
      perform: async ({ data }) => {
        const orders = await others.ordersOf(data.userId)
        return orders.some(({ isOpen }) => isOpen) ? undefined : orders.map(({ orderId }) => orderId)
      },
      settle: async (tx, done) => {
        for (const { timer, outcome } of done)
          if (outcome) await ask(tx, timer, outcome)
          else
            await begin(tx, {
              id: timer.subject,
              ...timer.data,
              dueAt: new Date(clock.now().getTime() + LOOK_AGAIN_MS),
            })
      },
    },
  }
}
