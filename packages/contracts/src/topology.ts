import { CartCheckedOut } from './cart.ts'
import { StockCommitRefused, StockRejected, StockReserved } from './inventory.ts'
import type { AnyMessageType } from './message.ts'
import { OrderCancelled, OrderConfirmed, OrderPaymentDue, OrderPlaced, OrderRefunded } from './order.ts'
import {
  PaymentActionRequired,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentDeclined,
  PaymentRefunded,
  PaymentVoided,
} from './payment.ts'
import { ErasureRequested, PersonErased } from './personal-data.ts'
import { ProductChanged } from './product.ts'
import {
  AccountClosed,
  EmailChanged,
  EmailChangeRequested,
  EmailVerificationRequested,
  ErasureLinkRequested,
  PasswordChanged,
  PasswordResetRequested,
  RegistrationAttempted,
} from './user.ts'
import { SessionsEnded } from './user-sessions.ts'

/**
 * Who hears what: one durable queue per consuming service. Every process declares all of it before it publishes,
 * so a message for a service that has never been started yet waits in its queue instead of being lost.
 */
const subscribers = {
  user: Object.values(PersonErased),
  cart: [OrderConfirmed, OrderCancelled, ErasureRequested],
  inventory: [OrderPlaced, OrderConfirmed, OrderCancelled],
  order: [
    CartCheckedOut,
    StockReserved,
    StockRejected,
    StockCommitRefused,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentActionRequired,
    PaymentCaptured,
    PaymentVoided,
    PaymentRefunded,
    ErasureRequested,
  ],
  payment: [OrderPaymentDue, OrderConfirmed, OrderCancelled, ErasureRequested],
  notification: [
    OrderConfirmed,
    OrderCancelled,
    OrderRefunded,
    EmailVerificationRequested,
    PasswordResetRequested,
    RegistrationAttempted,
    ErasureLinkRequested,
    EmailChangeRequested,
    EmailChanged,
    PasswordChanged,
    AccountClosed,
    ErasureRequested,
  ],
  analytics: [OrderConfirmed, OrderRefunded],
} as const satisfies Record<string, readonly AnyMessageType[]>

/**
 * Facts without a durable queue: who wants them listens while it runs (caches, the gateway), and nobody may be there at all. No type is
 * both: a listener's queue would take a message for which the durable queue is missing, and nobody would notice.
 */
const unqueued = [ProductChanged, SessionsEnded] as const satisfies readonly AnyMessageType[]

/** Queue name to message type names, as brokers declare it. */
export type Topology = Readonly<Record<string, readonly string[]>>

export const topology: Topology = Object.fromEntries(
  Object.entries(subscribers).map(([queue, messages]) => [queue, messages.map(({ type }) => type)]),
)

/** The types that are broadcast. */
export const broadcasts: readonly string[] = unqueued.map(({ type }) => type)
