import { MoneyBody } from '@micromart/contracts/message'
import Type from 'typebox'

export const SalesQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ maxLength: 10, description: 'first day, YYYY-MM-DD in UTC; default 30 days back' }),
    ),
    to: Type.Optional(Type.String({ maxLength: 10, description: 'last day, included; default today' })),
  },
  { additionalProperties: false },
)

const figures = {
  currency: Type.String(),
  orders: Type.Integer({ description: 'orders confirmed' }),
  revenue: MoneyBody,
  refunds: Type.Object({ orders: Type.Integer(), amount: MoneyBody }),
}

export const SalesBody = Type.Object({
  from: Type.String(),
  to: Type.String(),
  days: Type.Array(Type.Object({ day: Type.String(), ...figures })),
  totals: Type.Array(Type.Object(figures)),
  topProducts: Type.Array(
    Type.Object({ sku: Type.String(), title: Type.String(), quantity: Type.Integer(), revenue: MoneyBody }),
  ),
})
