import Type, { type Static, type TObject } from 'typebox'
import { Compile } from 'typebox/compile'

/** One kind of message: its name, its owner, which field of its data is the subject, and a check made from its schema. */
export interface AnyMessageType {
  readonly type: string
  readonly owner: string
  readonly schema: TObject
  subjectOf(data: unknown): string
  /** Consumers tolerate unknown fields (additions are compatible) but nothing missing or of another type. */
  accepts(data: unknown): boolean
}

export interface MessageType<Data> extends AnyMessageType {
  accepts(data: unknown): data is Data
}

/** The data of a message type: `DataOf<typeof OrderPlaced>`. */
export type DataOf<M> = M extends MessageType<infer Data> ? Data : never

/** Declares `micromart.owner.name.vN`; `subject` names the data field that identifies the aggregate. */
export function message<S extends TObject>(
  type: `micromart.${string}.${string}.v${number}`,
  subject: keyof Static<S> & string,
  schema: S,
): MessageType<Static<S>> {
  const owner = type.split('.')[1] ?? ''
  let validator: ReturnType<typeof Compile<S>> | undefined
  return {
    type,
    owner,
    schema,
    subjectOf: (data) => String((data as Static<S>)[subject]),
    accepts: (data): data is Static<S> => {
      validator ??= Compile(schema)
      return validator.Check(data)
    },
  }
}

/** Shared pieces of message and HTTP schemas. */
export const Uuid = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' })

export const Instant = Type.String({ description: 'RFC 3339, UTC' })

/** What a SKU may look like: printable, no blanks, at most 64 characters. */
export const Sku = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]*$' })

export const MoneyBody = Type.Object({
  minor: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'whole minor units, e.g. cents' }),
  currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
})

export const OrderedLine = Type.Object({
  lineId: Uuid,
  sku: Sku,
  title: Type.String({ maxLength: 600 }),
  quantity: Type.Integer({ minimum: 1, maximum: 10_000 }),
  unitPrice: MoneyBody,
})
export type OrderedLine = Static<typeof OrderedLine>

/** What a coupon took off: the total of an order is the sum of its lines less `amount`. */
export const AppliedDiscount = Type.Object({ couponCode: Type.String({ maxLength: 40 }), amount: MoneyBody })
export type AppliedDiscount = Static<typeof AppliedDiscount>
