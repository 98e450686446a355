import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import { type Product, type ProductContent, sameContent } from './product.ts'

export type ConflictRefusal = Refusal<'product.handle-taken' | 'product.sku-taken'>

/** The part of the catalogue that a change may collide with. */
export interface Neighbours {
  /** Handle to the id of the product that has it. */
  readonly handles: ReadonlyMap<string, string>
  /** SKU to the id of the product that has it. */
  readonly skus: ReadonlyMap<string, string>
}

/** A product that is to have this content; without `before` it is new. */
export interface WantedProduct {
  readonly id: string
  readonly before?: Product | undefined
  readonly content: ProductContent
}

export type PlannedChange =
  | { readonly outcome: 'created'; readonly product: Product }
  | { readonly outcome: 'updated'; readonly product: Product }
  | { readonly outcome: 'unchanged'; readonly product: Product }

/**
 * What each of several changes, taken one after the other, comes to. A handle or SKU belongs to who has it first; what an earlier
 * change gave up is free for a later one.
 */
export function planChanges(
  wanted: readonly WantedProduct[],
  neighbours: Neighbours,
  at: Date,
): readonly Result<PlannedChange, ConflictRefusal>[] {
  const handles = new Map(neighbours.handles)
  const skus = new Map(neighbours.skus)
  return wanted.map((change) => {
    const conflict = conflictOf(change, { handles, skus })
    if (conflict) return err(conflict)
    const { id, before, content } = change
    if (before) handles.delete(before.handle)
    for (const { sku } of before?.variants ?? []) skus.delete(sku)
    handles.set(content.handle, id)
    for (const { sku } of content.variants) skus.set(sku, id)
    return ok(planned(change, at))
  })
}

function conflictOf({ id, content }: WantedProduct, { handles, skus }: Neighbours): ConflictRefusal | undefined {
  const holder = handles.get(content.handle)
  if (holder !== undefined && holder !== id)
    return refuse('product.handle-taken', `Another product has the handle ${content.handle}`).error
  const taken = content.variants.find(({ sku }) => skus.has(sku) && skus.get(sku) !== id)
  return taken && refuse('product.sku-taken', `Another product has the SKU ${taken.sku}`).error
}

function planned({ id, before, content }: WantedProduct, at: Date): PlannedChange {
  if (!before) return { outcome: 'created', product: { ...content, id, version: 1, createdAt: at, updatedAt: at } }
  if (sameContent(before, content)) return { outcome: 'unchanged', product: before }
  return {
    outcome: 'updated',
    product: { ...content, id, version: before.version + 1, createdAt: before.createdAt, updatedAt: at },
  }
}
