import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { Database, DatabaseOptions } from '@micromart/postgres/database'
import { migrate } from '@micromart/postgres/migrations'
import { createTimers, startTimers, type TimerWorker } from '@micromart/postgres/timers'
import { currentContext } from '@micromart/telemetry/context'
import type { Logger } from '@micromart/telemetry/logger'
import type { ProviderAnswer } from '../../domain/payment.ts'
import type { Authorization, Move, PaymentProvider, SandboxActions } from '../../ports.ts'
import { batched } from './batched.ts'
import {
  findAction,
  findPayments,
  type MoveKind,
  moveMoney,
  type Outcome,
  type SandboxPayment,
} from './sandbox-books.ts'
import { type SandboxDecisions, sandboxDecisions } from './sandbox-decisions.ts'
import { webhookDelivery } from './sandbox-webhooks.ts'

export interface SandboxOptions {
  readonly openDatabase: (options: DatabaseOptions) => Database
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

/** A little payment provider for development and tests: it holds and moves play money in books of its own and tells by webhook. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, log } = options
  const database = await openBooks(options)
  let worker: TimerWorker | undefined
  const timers = createTimers(() => worker?.wake())
  const decisions = sandboxDecisions({ ...options, database, timers })
  worker = startTimers({
    database,
    clock,
    log,
    handlers: [
      decisions.concludeInTime,
      webhookDelivery({ database, clock, url: options.webhookUrl, secret: options.webhookSecret }),
    ],
  })
  return {
    provider: sandboxProvider({ ...options, database, decisions }),
    actions: sandboxActions(database, decisions),
    close: async () => {
      await worker?.close()
      await database.close()
    },
  }
}

async function openBooks({ openDatabase, databaseUrl, log }: SandboxOptions): Promise<Database> {
  const database = openDatabase({
    url: databaseUrl,
    applicationName: 'micromart-sandbox',
    onIdleError: (err) => log.warn({ err }, 'an idle connection of the sandbox broke'),
  })
  try {
    await migrate(database, migrations)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

function sandboxProvider(options: {
  database: Database
  decisions: SandboxDecisions
  clock: Clock
  actionsUrl: string
}): PaymentProvider {
  const { database, decisions, clock, actionsUrl } = options
  const move = (kind: MoveKind) =>
    batched<Move, void>((calls) =>
      moveMoney(database, kind, { asked: calls.map(({ item }) => item), now: clock.now() }),
    )
  return {
    authorize: batched(async (calls) => {
      const payments = await decisions.authorize(calls)
      return calls.map(({ item }) => answerTo(item, payments.get(item.key), actionsUrl))
    }),
    find: async (key) => {
      const [payment] = await findPayments(database, [key])
      return payment && answerOf(payment, actionsUrl)
    },
    capture: move('capture'),
    void: move('void'),
    refund: move('refund'),
  }
}

const sandboxActions = (database: Database, { conclude }: SandboxDecisions): SandboxActions => ({
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

/** The same key with another order or amount is a mistake of the one who asks, never an answer. */
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
