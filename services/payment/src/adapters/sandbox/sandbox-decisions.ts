import { randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { Database, Transaction } from '@micromart/postgres/database'
import type { Timer, TimerHandler, Timers } from '@micromart/postgres/timers'
import type { Authorization } from '../../ports.ts'
import type { Call } from './batched.ts'
import {
  concludePayments,
  findPayments,
  type NewPayment,
  type Outcome,
  recordPayments,
  type SandboxPayment,
} from './sandbox-books.ts'
import { planFor } from './sandbox-methods.ts'
import { type Announcement, storeWebhooks } from './sandbox-webhooks.ts'

const CONCLUDE = 'conclude'

/** What caused it, beside what it is. */
type Caused<T> = T & Pick<Timer, 'context'>

export interface SandboxDecisions {
  /** Records new payments, and gives what is known about each key, old or new. */
  authorize(calls: readonly Call<Authorization>[]): Promise<ReadonlyMap<string, SandboxPayment>>
  /** Decides payments that are open, and has the shop told. */
  conclude(tx: Transaction, outcomes: readonly Caused<Outcome>[]): Promise<void>
  /** Decides payments when their plan says so. */
  readonly concludeInTime: TimerHandler<Omit<Outcome, 'key'>>
}

export function sandboxDecisions(options: {
  database: Database
  timers: Timers
  clock: Clock
  ids: Ids
  slowMs: number
  lateMs: number
}): SandboxDecisions {
  const { database, timers, clock, ids } = options

  const announce = async (tx: Transaction, announcements: readonly Announcement[]) =>
    timers.schedule(tx, await storeWebhooks(tx, announcements, { ids, now: clock.now() }))

  const follow = async (
    tx: Transaction,
    asked: readonly Caused<NewPayment>[],
    made: ReadonlyMap<string, SandboxPayment>,
  ) => {
    const fresh = asked.filter(({ reference, key }) => made.get(key)?.reference === reference)
    const repeated = fresh.flatMap(({ key, plan, context }) => {
      const payment = made.get(key)
      return payment && plan.webhookCopies ? [{ payment, copies: plan.webhookCopies, context }] : []
    })
    await announce(tx, repeated)
    await timers.schedule(tx, fresh.flatMap(concludeLater))
  }

  const conclude: SandboxDecisions['conclude'] = async (tx, outcomes) => {
    const contexts = new Map(outcomes.map(({ key, context }) => [key, context]))
    const concluded = await concludePayments(tx, outcomes, clock.now())
    await announce(
      tx,
      concluded.map((payment) => ({ payment, copies: 1, context: contexts.get(payment.key) })),
    )
  }

  return {
    authorize: (calls) => {
      const now = clock.now()
      const asked = calls.map(({ item, context }) => ({
        ...item,
        context,
        reference: newReference(),
        plan: planFor(item, { now, slowMs: options.slowMs, lateMs: options.lateMs }),
      }))
      return database.transaction(async (tx) => {
        const made = byKey(await recordPayments(tx, asked, now))
        await follow(tx, asked, made)
        const known = asked.filter(({ key }) => !made.has(key)).map(({ key }) => key)
        return known.length === 0 ? made : new Map([...made, ...byKey(await findPayments(tx, known))])
      })
    },
    conclude,
    concludeInTime: {
      kind: CONCLUDE,
      settle: (tx, done) =>
        conclude(
          tx,
          done.map(({ timer: { subject, data, context } }) => ({ key: subject, ...data, context })),
        ),
    },
  }
}

/** It opens the confirmation page, so it must not be guessed. */
const newReference = () => `sbx_${randomBytes(24).toString('base64url')}`

const byKey = (payments: readonly SandboxPayment[]) => new Map(payments.map((payment) => [payment.key, payment]))

function concludeLater({ key, plan, context }: Caused<NewPayment>): Timer[] {
  if (!plan.later) return []
  const { at, ...data } = plan.later
  return [{ id: `${CONCLUDE}:${key}`, kind: CONCLUDE, subject: key, data, dueAt: at, context }]
}
