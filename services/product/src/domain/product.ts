import type { Money } from '@micromart/kernel/money'
import { err, ok, type Refusal, type Result } from '@micromart/kernel/result'

export type ProductStatus = 'draft' | 'active' | 'archived'

export interface Option {
  readonly name: string
  readonly values: readonly string[]
}

export interface Image {
  readonly url: string
  readonly alt?: string
  readonly position: number
}

export interface Variant {
  readonly sku: string
  readonly title: string
  /** Option name to chosen value. */
  readonly options: Readonly<Record<string, string>>
  readonly price: Money
  readonly compareAtPrice?: Money
  readonly barcode?: string
  readonly weightGrams?: number
  readonly imageUrl?: string
}

/** What the shop's people decide about a product. */
export interface ProductContent {
  readonly handle: string
  readonly title: string
  /** HTML or plain text as it was given: whoever shows it makes it safe. */
  readonly description: string
  readonly vendor: string | null
  readonly productType: string | null
  readonly tags: readonly string[]
  readonly status: ProductStatus
  readonly options: readonly Option[]
  readonly images: readonly Image[]
  readonly variants: readonly Variant[]
}

export interface Product extends ProductContent {
  readonly id: string
  /** One more with every change. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A product as it is written down: what may be left out has its usual value. */
export interface ProductDraft {
  readonly handle: string
  readonly title: string
  readonly description?: string
  readonly vendor?: string | null
  readonly productType?: string | null
  readonly tags?: readonly string[]
  readonly status?: ProductStatus
  readonly options?: readonly Option[]
  readonly images?: readonly { readonly url: string; readonly alt?: string; readonly position?: number }[]
  readonly variants: readonly (Omit<Variant, 'title' | 'options'> & Partial<Pick<Variant, 'title' | 'options'>>)[]
}

export type ContentRefusal = Refusal<
  'product.bad-image' | 'product.bad-options' | 'product.bad-price' | 'product.duplicate-sku'
>

/** How a variant is called that is its product's only one. */
const DEFAULT_TITLE = 'Default Title'

const MOST_OPTIONS = 3

/** As long as one that is given; with its product's it has to fit into an order line. */
const LONGEST_TITLE = 300

/** Completes a draft and checks what its parts say of each other. Without `options` they are those that its variants name. */
export function contentOf(draft: ProductDraft): Result<ProductContent, ContentRefusal> {
  const variants = draft.variants.map(completeVariant)
  const options = draft.options ?? optionsNamedBy(variants)
  const fault = skuFault(variants) ?? priceFault(variants) ?? optionFault(options, variants) ?? imageFault(draft)
  if (fault) return err(fault)
  return ok({
    handle: draft.handle,
    title: draft.title,
    description: draft.description ?? '',
    vendor: draft.vendor || null,
    productType: draft.productType || null,
    tags: [...new Set(draft.tags ?? [])],
    status: draft.status ?? 'active',
    options: options.map(({ name, values }) => ({ name, values: [...values] })),
    images: (draft.images ?? []).map(({ url, alt }, index) => ({ url, ...(alt ? { alt } : {}), position: index + 1 })),
    variants,
  })
}

/** A change of some fields; new variants bring their options with them unless these are given too. */
export function changeContent(
  product: ProductContent,
  change: Partial<ProductDraft>,
): Result<ProductContent, ContentRefusal> {
  const { options, ...kept } = product
  return contentOf(change.variants ? { ...kept, ...change } : { ...kept, options, ...change })
}

export const sameContent = (a: ProductContent, b: ProductContent): boolean => canonical(a) === canonical(b)

/** What an order line calls a variant. */
export const soldAs = (productTitle: string, variantTitle: string): string =>
  variantTitle === DEFAULT_TITLE ? productTitle : `${productTitle} (${variantTitle})`

type DraftVariant = ProductDraft['variants'][number]

function completeVariant({ sku, title, options = {}, price, ...rest }: DraftVariant): Variant {
  const values = Object.values(options)
  const { compareAtPrice, barcode, weightGrams, imageUrl } = rest
  return {
    sku,
    title: title ?? (values.length === 0 ? DEFAULT_TITLE : values.join(' / ').slice(0, LONGEST_TITLE).toWellFormed()),
    options: { ...options },
    price: { minor: price.minor, currency: price.currency },
    ...(compareAtPrice ? { compareAtPrice: { minor: compareAtPrice.minor, currency: compareAtPrice.currency } } : {}),
    ...(barcode ? { barcode } : {}),
    ...(weightGrams === undefined ? {} : { weightGrams }),
    ...(imageUrl ? { imageUrl } : {}),
  }
}

const optionsNamedBy = (variants: readonly Variant[]): readonly Option[] =>
  distinct(variants.flatMap(({ options }) => Object.keys(options))).map((name) => ({
    name,
    values: distinct(variants.flatMap(({ options }) => options[name] ?? [])),
  }))

function skuFault(variants: readonly Variant[]): ContentRefusal | undefined {
  const repeated = variants.find(({ sku }, index) => variants.findIndex((other) => other.sku === sku) !== index)
  return (
    repeated && { code: 'product.duplicate-sku', detail: `Two variants of the product have the SKU ${repeated.sku}` }
  )
}

function priceFault(variants: readonly Variant[]): ContentRefusal | undefined {
  const mixed = variants.find(
    ({ price, compareAtPrice }) => compareAtPrice && compareAtPrice.currency !== price.currency,
  )
  return mixed && { code: 'product.bad-price', detail: `The prices of ${mixed.sku} are in two currencies` }
}

function optionFault(options: readonly Option[], variants: readonly Variant[]): ContentRefusal | undefined {
  const refusal = (detail: string): ContentRefusal => ({ code: 'product.bad-options', detail })
  const names = options.map(({ name }) => name)
  if (names.length > MOST_OPTIONS) return refusal(`A product has at most ${MOST_OPTIONS} options`)
  if (distinct(names).length < names.length) return refusal('Two options of the product have the same name')
  const odd = variants.find((variant) => !choosesAmong(options, variant))
  if (odd) return refusal(`${odd.sku} does not have one of the listed values for each option of the product`)
  const choices = variants.map((variant) => JSON.stringify(names.map((name) => variant.options[name])))
  if (names.length > 0 && distinct(choices).length < choices.length)
    return refusal('Two variants have the same option values')
  return undefined
}

const choosesAmong = (options: readonly Option[], variant: Variant): boolean =>
  Object.keys(variant.options).length === options.length &&
  options.every(
    ({ name, values }) => Object.hasOwn(variant.options, name) && values.includes(variant.options[name] ?? ''),
  )

function imageFault({ images = [], variants }: ProductDraft): ContentRefusal | undefined {
  const urls = [...images.map(({ url }) => url), ...variants.flatMap(({ imageUrl }) => imageUrl ?? [])]
  const bad = urls.some((url) => !/^https?:\/\//i.test(url) || !URL.canParse(url))
  return bad ? { code: 'product.bad-image', detail: 'An image is not an http or https address' } : undefined
}

const distinct = <T>(items: readonly T[]): readonly T[] => [...new Set(items)]

/** Field by field: two records that differ only in the order of their keys are the same. */
const canonical = (content: ProductContent): string => {
  const { handle, title, description, vendor, productType, tags, status, options, images, variants } = content
  return JSON.stringify([
    [handle, title, description, vendor, productType, tags, status],
    options.map(({ name, values }) => [name, values]),
    images.map(({ url, alt }) => [url, alt]),
    variants.map((variant) => [
      [variant.sku, variant.title, Object.entries(variant.options).sort()],
      [variant.price.minor, variant.price.currency, variant.compareAtPrice?.minor],
      [variant.barcode, variant.weightGrams, variant.imageUrl],
    ]),
  ])
}
