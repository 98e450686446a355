import Type from 'typebox'
import { MoneyBody, message, Uuid } from './message.ts'

const payment = { orderId: Uuid, paymentId: Uuid, amount: MoneyBody }

/** The provider holds the money for us; it is not ours yet. */
export const PaymentAuthorized = message('micromart.payment.authorized.v1', 'orderId', Type.Object(payment))

export const PaymentDeclined = message(
  'micromart.payment.declined.v1',
  'orderId',
  Type.Object({ ...payment, reason: Type.String() }),
)

/** The customer has to confirm at `actionUrl` (3-D Secure and its like) before the provider decides. */
export const PaymentActionRequired = message(
  'micromart.payment.action-required.v1',
  'orderId',
  Type.Object({ ...payment, actionUrl: Type.String() }),
)

export const PaymentCaptured = message('micromart.payment.captured.v1', 'orderId', Type.Object(payment))

/** An authorisation was given back without money having moved. */
export const PaymentVoided = message('micromart.payment.voided.v1', 'orderId', Type.Object(payment))

export const PaymentRefunded = message('micromart.payment.refunded.v1', 'orderId', Type.Object(payment))
