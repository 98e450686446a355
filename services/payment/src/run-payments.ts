import {
  PaymentActionRequired,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentDeclined,
  PaymentRefunded,
  PaymentVoided,
} from '@micromart/contracts/payment'
import type { Clock } from '@micromart/kernel/clock'
import { ok } from '@micromart/kernel/result'
import { type Outbox, type OutgoingMessage, send } from '@micromart/postgres/outbox'
import type { Timer, Timers } from '@micromart/postgres/timers'
import { decide, type Effect, isWaiting, type MoneyState, noPayment, type ProviderStep } from './domain/payment.ts'
import type { Booking, PaymentStore, RunPayments, TargetedCommand } from './ports.ts'

export interface RunOptions {
  readonly store: PaymentStore
  readonly outbox: Outbox
  readonly timers: Timers
  readonly clock: Clock
  /** How long after an open answer the provider is asked what became of it. */
  readonly reconcileMs: number
}

type Asked = Exclude<MoneyState, { status: 'none' }>
type Follows = { readonly effect: Effect; readonly money: Asked } & Pick<TargetedCommand, 'orderId' | 'context'>

/** What the provider is asked with, as it lies in the timer. */
export interface StepData {
  readonly key: string
  readonly orderId: string
  readonly amount: { readonly minor: number; readonly currency: string }
  readonly method: string
  readonly dueAt: string
  /** Missing before the provider has given one. */
  readonly reference?: string
}

/** Orders say something about payments that may not exist yet; the provider does not. */
const fromOrders = new Set(['RequestPayment', 'NoteOrderConfirmed', 'NoteOrderCancelled'])

/** Decides a batch of commands and writes all of it, with what follows: payments, ledger, messages, and calls to make as timers. */
export function paymentRunner({ store, outbox, timers, clock, reconcileMs }: RunOptions): RunPayments {
  return async (tx, commands) => {
    const now = clock.now()
    const orderIds = [...new Set(commands.map(({ orderId }) => orderId))]
    const toOpen = commands.filter(({ command }) => fromOrders.has(command.type)).map(({ orderId }) => orderId)
    if (toOpen.length > 0) await store.open(tx, [...new Set(toOpen)], now)
    const before = await store.lock(tx, orderIds)
    const after = new Map(before)
    const follows: Follows[] = []
    const results = commands.map(({ orderId, command, context }) => {
      const decision = decide(command, after.get(orderId) ?? noPayment)
      if (!decision.ok) return decision
      const { payment, effects } = decision.value
      const { money } = payment
      if (after.has(orderId)) after.set(orderId, payment)
      if (money.status !== 'none') follows.push(...effects.map((effect) => ({ effect, money, orderId, context })))
      return ok(undefined)
    })
    const changed = [...after].filter(([orderId, payment]) => payment !== before.get(orderId))
    await store.save(tx, changed, now)
    await store.book(tx, follows.flatMap(bookingOf), now)
    await outbox.add(tx, follows.flatMap(messageOf))
    await timers.cancel(
      tx,
      changed.flatMap(([orderId, payment]) => noLonger(before.get(orderId)?.money, payment.money)),
    )
    await timers.schedule(
      tx,
      follows.flatMap((follow) => timerOf(follow, { now, reconcileMs })),
    )
    return results
  }
}

const timerId = (step: ProviderStep, paymentId: string) => `${step}:${paymentId}`

/** A payment that is decided now need not be asked about any more. */
const noLonger = (was: MoneyState | undefined, now: MoneyState): string[] =>
  (was?.status === 'action-required' || was?.status === 'pending') && !isWaiting(now)
    ? [timerId('reconcile', was.terms.paymentId)]
    : []

const bookingOf = ({ effect, money: { terms } }: Follows): Booking[] =>
  effect.type === 'book' ? [{ kind: effect.kind, paymentId: terms.paymentId, amount: terms.amount }] : []

function messageOf({ effect, money, orderId, context }: Follows): OutgoingMessage[] {
  if (effect.type !== 'tell') return []
  const { paymentId, amount } = money.terms
  const data = { orderId, paymentId, amount }
  switch (effect.fact) {
    case 'authorized':
      return [send(PaymentAuthorized, data, context)]
    case 'declined':
      return money.status === 'declined' ? [send(PaymentDeclined, { ...data, reason: money.reason }, context)] : []
    case 'action-required':
      return money.status === 'action-required'
        ? [send(PaymentActionRequired, { ...data, actionUrl: money.actionUrl }, context)]
        : []
    case 'captured':
      return [send(PaymentCaptured, data, context)]
    case 'voided':
      return [send(PaymentVoided, data, context)]
    case 'refunded':
      return [send(PaymentRefunded, data, context)]
  }
}

function timerOf(
  { effect, money, orderId, context }: Follows,
  { now, reconcileMs }: { now: Date; reconcileMs: number },
): Timer<StepData>[] {
  if (effect.type !== 'ask-provider') return []
  const { paymentId, amount, method, dueAt } = money.terms
  return [
    {
      id: timerId(effect.step, paymentId),
      kind: effect.step,
      subject: orderId,
      data: {
        key: paymentId,
        orderId,
        amount,
        method,
        dueAt,
        ...('reference' in money ? { reference: money.reference } : {}),
      },
      dueAt: effect.step === 'reconcile' ? new Date(now.getTime() + reconcileMs) : now,
      context,
    },
  ]
}
