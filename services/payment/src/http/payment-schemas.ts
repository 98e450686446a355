import { MoneyBody } from '@micromart/contracts/message'
import Type from 'typebox'

export const PaymentBody = Type.Object({
  orderId: Type.String(),
  status: Type.String({
    description:
      'cancelled (never asked for), requested, action-required, pending, declined, authorized, capturing, captured, refunding, refunded, voiding or voided',
  }),
  order: Type.String({ description: 'what the order says: open, confirmed or cancelled' }),
  paymentId: Type.Optional(Type.String()),
  amount: Type.Optional(MoneyBody),
  method: Type.Optional(Type.String()),
  dueAt: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String({ description: 'why it was declined' })),
  updatedAt: Type.String(),
  ledger: Type.Array(
    Type.Object({
      transactionId: Type.String(),
      kind: Type.String({ description: 'capture or refund' }),
      account: Type.String(),
      debit: MoneyBody,
      credit: MoneyBody,
      at: Type.String(),
    }),
  ),
})

export const ActionOutcome = Type.Object(
  {
    outcome: Type.Unsafe<'approve' | 'decline'>(
      Type.String({ enum: ['approve', 'decline'], description: 'approve or decline' }),
    ),
  },
  { additionalProperties: false },
)

export const ActionBody = Type.Object({ status: Type.String({ description: 'status of the payment at the provider' }) })
