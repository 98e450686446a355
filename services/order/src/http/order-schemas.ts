import { AppliedDiscount, MoneyBody, OrderedLine } from '@micromart/contracts/message'
import Type from 'typebox'

export const OrderBody = Type.Object({
  id: Type.String(),
  number: Type.String({ description: 'short and readable, for people' }),
  status: Type.String({ description: 'placed, awaiting-payment, confirmed, cancelled or refunded' }),
  reason: Type.Optional(Type.String({ description: 'why it was cancelled' })),
  payment: Type.Optional(
    Type.Object({ actionUrl: Type.String({ description: 'where the customer confirms the payment' }) }),
  ),
  lines: Type.Array(OrderedLine),
  discount: Type.Optional(AppliedDiscount),
  total: Type.Object(MoneyBody.properties, { description: 'what is charged: the lines less the discount' }),
  refunded: Type.Optional(MoneyBody),
  placedAt: Type.String(),
  updatedAt: Type.String(),
})

export const CancelledBody = Type.Object({ orderId: Type.String(), status: Type.Literal('cancelled') })

export const OrderPage = Type.Object({
  items: Type.Array(OrderBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
})

export const TimelineBody = Type.Object({
  orderId: Type.String(),
  events: Type.Array(
    Type.Object({
      version: Type.Integer(),
      type: Type.String(),
      at: Type.String(),
      data: Type.Record(Type.String(), Type.Unknown()),
      causationId: Type.String({ description: 'the message or request that caused it' }),
      correlationId: Type.String({ description: 'the same for everything that one checkout set off' }),
      traceId: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})
