import type { Money } from '@micromart/kernel/money'
import type { Result } from '@micromart/kernel/result'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { WorkContext } from '@micromart/telemetry/context'
import type { Payment, PaymentCommand, PaymentRefusal, ProviderAnswer } from './domain/payment.ts'

export interface Authorization {
  /** The idempotency key of everything about this payment: its paymentId. */
  readonly key: string
  readonly orderId: string
  readonly amount: Money
  readonly method: string
  /** Until when the order waits, RFC 3339. */
  readonly dueAt: string
}

export interface Move {
  readonly key: string
  readonly reference: string
  readonly amount: Money
}

/**
 * Who holds and moves the money. Every call is idempotent by its key and may be repeated for ever; it throws when the provider
 * cannot be reached or does not know what to do, and then it is repeated.
 */
export interface PaymentProvider {
  authorize(asked: Authorization): Promise<ProviderAnswer>
  /** What became of an authorisation; undefined when the provider has never heard of the key. */
  find(key: string): Promise<ProviderAnswer | undefined>
  /** Takes the whole authorised amount. */
  capture(move: Move): Promise<void>
  /** Gives an authorisation back that was not captured. */
  void(move: Move): Promise<void>
  /** Gives the whole captured amount back. */
  refund(move: Move): Promise<void>
}

/** What a provider tells unasked. */
export interface ProviderReport {
  /** Repeats of one event carry the same id. */
  readonly eventId: string
  readonly key: string
  readonly orderId: string
  readonly amount: Money
  readonly answer: ProviderAnswer
}

export type WebhookRefusal = { readonly code: 'payment.bad-signature' | 'payment.bad-event'; readonly detail: string }

/** Proves by its signature who sent a webhook, and only then reads it. */
export type ReadWebhook = (webhook: {
  rawBody: Buffer
  signature: string | undefined
}) => Result<ProviderReport, WebhookRefusal>

/** What the customer sees and does at the sandbox's confirmation page; who knows the reference may act. */
export interface SandboxActions {
  find(reference: string): Promise<{ readonly amount: Money; readonly status: string } | undefined>
  /** @returns the status afterwards; undefined when there is nothing to confirm under the reference */
  take(reference: string, outcome: 'approve' | 'decline'): Promise<string | undefined>
}

export interface TargetedCommand {
  readonly orderId: string
  readonly command: PaymentCommand
  /** What caused it; the current context otherwise. */
  readonly context?: WorkContext | undefined
}

/** Runs commands in order, all with one read and one write; what follows from them is in the same transaction. */
export type RunPayments = (
  tx: Transaction,
  commands: readonly TargetedCommand[],
) => Promise<readonly Result<void, PaymentRefusal>[]>

export interface Booking {
  readonly kind: 'capture' | 'refund'
  readonly paymentId: string
  readonly amount: Money
}

/** Payments by order, and the ledger of the money that moved. */
export interface PaymentStore {
  /** Makes empty payments for orders that have none, so that there is something to lock. */
  open(tx: Transaction, orderIds: readonly string[], now: Date): Promise<void>
  /** Locks and reads, in the order of the ids; an order without a payment is absent. */
  lock(tx: Transaction, orderIds: readonly string[]): Promise<ReadonlyMap<string, Payment>>
  save(tx: Transaction, payments: readonly (readonly [orderId: string, payment: Payment])[], now: Date): Promise<void>
  /** Each booking becomes one transaction whose entries sum to zero. */
  book(tx: Transaction, bookings: readonly Booking[], now: Date): Promise<void>
}

export interface LedgerEntry {
  readonly transactionId: string
  readonly kind: 'capture' | 'refund'
  readonly account: string
  readonly debitMinor: number
  readonly creditMinor: number
  readonly currency: string
  readonly at: Date
}

/** What staff look at. */
export interface PaymentViews {
  find(orderId: string): Promise<{ readonly payment: Payment; readonly updatedAt: Date } | undefined>
  entries(orderId: string): Promise<readonly LedgerEntry[]>
}

/** Notes that an event of a provider was handled, in the transaction of its effect. */
export interface ProviderEvents {
  /** @returns false when it was handled before; another transaction handling it right now is waited for */
  isNew(tx: Queryable, event: { provider: string; eventId: string; at: Date }): Promise<boolean>
}
