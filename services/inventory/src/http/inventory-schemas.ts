import { Sku } from '@micromart/contracts/message'
import Type from 'typebox'

const strict = { additionalProperties: false }

export const LevelBody = Type.Object({
  sku: Type.String(),
  onHand: Type.Integer({ description: 'pieces that are there' }),
  reserved: Type.Integer({ description: 'of these, promised to orders' }),
  available: Type.Integer({ description: 'on hand less reserved' }),
})

export const AdjustmentBody = Type.Object(
  {
    quantity: Type.Integer({
      minimum: -1_000_000,
      maximum: 1_000_000,
      not: { const: 0 },
      description: 'pieces added (or taken, below zero)',
    }),
    // one line of text: no control characters, no halves of surrogate pairs
    reason: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$' }),
  },
  strict,
)

export const OpeningStockBody = Type.Object(
  {
    items: Type.Array(
      Type.Object({ sku: Sku, quantity: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }) }, strict),
      {
        minItems: 1,
        maxItems: 1_000,
      },
    ),
    overwrite: Type.Optional(Type.Boolean({ description: 'set stock that is known already, too' })),
  },
  strict,
)

/** How many SKUs were counted, how many were known already, and which count would break a promise. */
export const OpenedStockBody = Type.Object({
  set: Type.Integer(),
  unchanged: Type.Integer(),
  refused: Type.Array(Type.Object({ sku: Type.String(), code: Type.String(), detail: Type.String() })),
})

export const MovementPage = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      kind: Type.String({ description: 'opening, adjustment, sale or return' }),
      quantity: Type.Integer(),
      orderId: Type.Union([Type.String(), Type.Null()]),
      reason: Type.Union([Type.String(), Type.Null()]),
      actor: Type.Union([Type.String(), Type.Null()]),
      at: Type.String(),
    }),
  ),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
})
