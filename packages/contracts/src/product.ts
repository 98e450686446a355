import Type from 'typebox'
import { Instant, message, Uuid } from './message.ts'

/** A product was created, changed or archived: whoever keeps a copy of it, or of a list that it may be in, throws it away. */
export const ProductChanged = message(
  'micromart.product.product-changed.v1',
  'productId',
  Type.Object({
    productId: Uuid,
    /** The one it has, and the one it had before if that was another. */
    handles: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { minItems: 1 }),
    version: Type.Integer({ minimum: 1 }),
    changedAt: Instant,
  }),
)
