import { MoneyBody, Sku } from '@micromart/contracts/message'
import Type, { type Static } from 'typebox'
import type { Product } from '../domain/product.ts'

const strict = { additionalProperties: false }

/** One line of text: no control characters, no halves of surrogate pairs. */
const text = (maxLength: number, minLength = 1) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$' })

const imageUrl = Type.String({
  maxLength: 2_048,
  pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
})
const price = Type.Object(MoneyBody.properties, strict)
const optionsOfVariant = Type.Record(
  Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]{1,255}$' }),
  text(255),
  { ...strict, maxProperties: 3 },
)

export const Status = Type.Union([Type.Literal('draft'), Type.Literal('active'), Type.Literal('archived')])

const VariantInput = Type.Object(
  {
    sku: Sku,
    title: Type.Optional(text(300)),
    options: Type.Optional(optionsOfVariant),
    price,
    compareAtPrice: Type.Optional(price),
    barcode: Type.Optional(text(64, 0)),
    weightGrams: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
    imageUrl: Type.Optional(imageUrl),
  },
  strict,
)

const fields = {
  handle: Type.String({
    maxLength: 255,
    pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}_-]*$',
    description: 'its place in addresses',
  }),
  title: text(255),
  description: Type.Optional(
    Type.String({
      maxLength: 65_536,
      pattern: '^[^\\u0000\\ud800-\\udfff]*$',
      description: 'HTML or plain text, kept as given',
    }),
  ),
  vendor: Type.Optional(Type.Union([text(255, 0), Type.Null()])),
  productType: Type.Optional(Type.Union([text(255, 0), Type.Null()])),
  tags: Type.Optional(Type.Array(text(255), { maxItems: 250 })),
  status: Type.Optional(Status),
  options: Type.Optional(
    Type.Array(
      Type.Object({ name: text(255), values: Type.Array(text(255), { minItems: 1, maxItems: 1_000 }) }, strict),
      { maxItems: 3 },
    ),
  ),
  images: Type.Optional(
    Type.Array(
      Type.Object(
        {
          url: imageUrl,
          alt: Type.Optional(text(1_000, 0)),
          position: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
        },
        strict,
      ),
      { maxItems: 250, description: 'in the order given' },
    ),
  ),
  variants: Type.Array(VariantInput, { minItems: 1, maxItems: 250 }),
}

export const NewProductBody = Type.Object(fields, strict)
export type NewProductBody = Static<typeof NewProductBody>

export const ProductChangeBody = Type.Partial(Type.Object(fields), { ...strict, minProperties: 1 })

/** Each product is checked by itself against `NewProductBody`, so that a bad one does not stop the others. */
export const ImportBody = Type.Object(
  {
    products: Type.Array(Type.Object({}, { additionalProperties: true, description: 'as in POST /api/v1/products' }), {
      minItems: 1,
      maxItems: 100,
    }),
  },
  strict,
)

const orNull = Type.Union([Type.String(), Type.Null()])

/** What became of each product; `code` and `detail` say why one was refused. */
export const ImportedBody = Type.Object({
  results: Type.Array(
    Type.Object({
      handle: Type.String(),
      outcome: Type.Enum(['created', 'updated', 'unchanged', 'refused']),
      code: Type.Optional(Type.String()),
      detail: Type.Optional(Type.String()),
    }),
  ),
})

export const ProductBody = Type.Object({
  id: Type.String(),
  handle: Type.String(),
  title: Type.String(),
  description: Type.String({ description: 'HTML or plain text as the shop gave it: make it safe before you show it' }),
  vendor: orNull,
  productType: orNull,
  tags: Type.Array(Type.String()),
  status: Type.String(),
  options: Type.Array(Type.Object({ name: Type.String(), values: Type.Array(Type.String()) })),
  images: Type.Array(Type.Object({ url: Type.String(), alt: Type.Optional(Type.String()), position: Type.Integer() })),
  variants: Type.Array(
    Type.Object({
      sku: Type.String(),
      title: Type.String(),
      options: Type.Record(Type.String(), Type.String()),
      price: MoneyBody,
      compareAtPrice: Type.Optional(MoneyBody),
      barcode: Type.Optional(Type.String()),
      weightGrams: Type.Optional(Type.Integer()),
      imageUrl: Type.Optional(Type.String()),
    }),
  ),
  version: Type.Integer({ description: 'also the ETag' }),
  createdAt: Type.String(),
  updatedAt: Type.String(),
})
type ProductBody = Static<typeof ProductBody>

export const ProductPageBody = Type.Object({ items: Type.Array(ProductBody), nextCursor: orNull })

export const bodyOf = (product: Product): ProductBody => ({
  ...product,
  tags: [...product.tags],
  options: product.options.map(({ name, values }) => ({ name, values: [...values] })),
  images: [...product.images],
  variants: [...product.variants],
  createdAt: product.createdAt.toISOString(),
  updatedAt: product.updatedAt.toISOString(),
})
