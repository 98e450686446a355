import Type, { type Static } from 'typebox'

export const CartConfig = Type.Object({
  CART_CURRENCY: Type.String({
    pattern: '^[A-Z]{3}$',
    default: 'USD',
    description: 'ISO 4217 currency of a cart that asks for none',
  }),
})
export type CartConfig = Static<typeof CartConfig>
