import { randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { type Database, openDatabase, type Transaction } from '@micromart/postgres/database'
import { migrate } from '@micromart/postgres/migrations'
import { createTimers, startTimers, type Timer, type TimerHandler, type TimerWorker } from '@micromart/postgres/timers'
import { currentContext } from '@micromart/telemetry/context'
import type { Logger } from '@micromart/telemetry/logger'
import type { ProviderAnswer } from '../../domain/payment.ts'
import type { Authorization, Move, PaymentProvider, SandboxActions } from '../../ports.ts'
import { batched, type Call } from './batched.ts'
import {
  concludePayments,
  findAction,
  findPayments,
  type MoveKind,
  moveMoney,
  type Outcome,
  recordPayments,
  type SandboxPayment,
} from './sandbox-books.ts'
import { type Plan, planFor } from './sandbox-methods.ts'
import { type Announcement, storeWebhooks, webhookDelivery } from './sandbox-webhooks.ts'

export interface SandboxOptions {
  readonly databaseUrl: string
  /** Where webhooks are posted to, and the key that signs them. */
  readonly webhookUrl: string
  readonly webhookSecret: string
  /** The confirmation page's address is this and the reference. */
  readonly actionsUrl: string
  readonly slowMs: number
  readonly lateMs: number
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

export interface Sandbox {
  readonly provider: PaymentProvider
  readonly actions: SandboxActions
  close(): Promise<void>
}

const migrations = new URL('../../../sandbox-migrations/', import.meta.url)
const CONCLUDE = 'conclude'

/** A little payment provider for development and tests: it holds and moves play money in books of its own and tells by webhook. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, ids, log } = options
  const database = openDatabase({
    url: options.databaseUrl,
    applicationName: 'micromart-sandbox',
    onIdleError: (err) => log.warn({ err }, 'an idle connection of the sandbox broke'),
  })
  try {
    await migrate(database, migrations)
  } catch (error) {
    await database.close()
    throw error
  }
  let worker: TimerWorker | undefined
  const timers = createTimers(() => worker?.wake())

  const announce = async (tx: Transaction, announcements: readonly Announcement[]) =>
    timers.schedule(tx, await storeWebhooks(tx, announcements, { ids, now: clock.now() }))

  const authorize = async (calls: readonly Call<Authorization>[]) => {
    const now = clock.now()
    const asked = calls.map(({ item, context }) => ({
      ...item,
      context,
      reference: `sbx_${randomBytes(24).toString('base64url')}`,
      plan: planFor(item, { now, slowMs: options.slowMs, lateMs: options.lateMs }),
    }))
    return database.transaction(async (tx) => {
      const made = new Map((await recordPayments(tx, asked, now)).map((payment) => [payment.key, payment]))
      const fresh = asked.filter(({ reference, key }) => made.get(key)?.reference === reference)
      await announce(
        tx,
        fresh.flatMap(({ key, plan, context }) => {
          const payment = made.get(key)
          return payment && plan.webhookCopies ? [{ payment, copies: plan.webhookCopies, context }] : []
        }),
      )
      await timers.schedule(tx, fresh.flatMap(concludeLater))
      const missing = asked.filter(({ key }) => !made.has(key)).map(({ key }) => key)
      const known = missing.length > 0 ? await findPayments(tx, missing) : []
      const all = new Map([...made, ...known.map((payment) => [payment.key, payment] as const)])
      return asked.map((item) => answerTo(item, all.get(item.key), options.actionsUrl))
    })
  }

  const conclude = async (tx: Transaction, outcomes: readonly (Outcome & Pick<Timer, 'context'>)[]) => {
    const contexts = new Map(outcomes.map(({ key, context }) => [key, context]))
    const concluded = await concludePayments(tx, outcomes, clock.now())
    await announce(
      tx,
      concluded.map((payment) => ({ payment, copies: 1, context: contexts.get(payment.key) })),
    )
  }

  const concludeInTime: TimerHandler<Omit<Outcome, 'key'>> = {
    kind: CONCLUDE,
    settle: (tx, done) =>
      conclude(
        tx,
        done.map(({ timer: { subject, data, context } }) => ({ key: subject, ...data, context })),
      ),
  }

  const move = (kind: MoveKind) =>
    batched<Move, void>((calls) =>
      moveMoney(database, kind, { asked: calls.map(({ item }) => item), now: clock.now() }),
    )

  worker = startTimers({
    database,
    clock,
    log,
    handlers: [
      concludeInTime,
      webhookDelivery({ database, clock, url: options.webhookUrl, secret: options.webhookSecret }),
    ],
  })
  return {
    provider: {
      authorize: batched(authorize),
      find: async (key) => {
        const [payment] = await findPayments(database, [key])
        return payment && answerOf(payment, options.actionsUrl)
      },
      capture: move('capture'),
      void: move('void'),
      refund: move('refund'),
    },
    actions: sandboxActions(database, conclude),
    close: async () => {
      await worker?.close()
      await database.close()
    },
  }
}

const sandboxActions = (
  database: Database,
  conclude: (tx: Transaction, outcomes: readonly (Outcome & Pick<Timer, 'context'>)[]) => Promise<void>,
): SandboxActions => ({
  find: (reference) => findAction(database, reference),
  take: (reference, decision) =>
    database.transaction(async (tx) => {
      const payment = await findAction(tx, reference)
      if (!payment) return undefined
      const outcome: Omit<Outcome, 'key'> =
        decision === 'approve' ? { outcome: 'authorized' } : { outcome: 'declined', reason: 'action-declined' }
      await conclude(tx, [{ key: payment.key, ...outcome, context: currentContext() }])
      return (await findAction(tx, reference))?.status
    }),
})

const concludeLater = ({ key, plan, context }: Pick<Timer, 'context'> & { key: string; plan: Plan }): Timer[] => {
  if (!plan.later) return []
  const { at, ...data } = plan.later
  return [{ id: `${CONCLUDE}:${key}`, kind: CONCLUDE, subject: key, data, dueAt: at, context }]
}

function answerTo(asked: Authorization, payment: SandboxPayment | undefined, actionsUrl: string) {
  if (!payment) return new Error(`Payment ${asked.key} could not be recorded`)
  const isSame =
    payment.orderId === asked.orderId &&
    payment.amount.minor === asked.amount.minor &&
    payment.amount.currency === asked.amount.currency
  return isSame ? answerOf(payment, actionsUrl) : new Error(`Key ${asked.key} was used for another payment before`)
}

function answerOf({ status, reference, reason }: SandboxPayment, actionsUrl: string): ProviderAnswer {
  switch (status) {
    case 'action-required':
      return { status, reference, actionUrl: `${actionsUrl}${reference}` }
    case 'pending':
      return { status, reference }
    case 'declined':
      return { status, reference, reason: reason ?? 'declined-by-bank' }
    case 'authorized':
    case 'captured':
    case 'voided':
    case 'refunded':
      return { status: 'authorized', reference }
  }
}
