import type { Money } from '@micromart/kernel/money'
import type { Refusal } from '@micromart/kernel/result'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { ConflictRefusal, Neighbours, PlannedChange } from './domain/plan-changes.ts'
import type { ContentRefusal, Product, ProductContent, ProductStatus } from './domain/product.ts'

export interface ProductPage {
  readonly status: ProductStatus | undefined
  readonly limit: number
}

export interface FoundProduct {
  readonly product: Product
  /** How well it fits the search. */
  readonly rank: number
}

export interface SearchQuery {
  readonly prefixes: string
  readonly words: string
}

/** The catalogue as people read it. */
export interface ProductShelf {
  find(db: Queryable, idOrHandle: string): Promise<Product | undefined>
  /** Newest first; `before` is the last id of the page before. */
  list(db: Queryable, page: ProductPage & { readonly before: string | undefined }): Promise<readonly Product[]>
  /** Best first; `after` is rank and id of the last one of the page before. */
  search(
    db: Queryable,
    query: SearchQuery,
    page: ProductPage & { readonly after: { readonly rank: number; readonly id: string } | undefined },
  ): Promise<readonly FoundProduct[]>
}

/** The catalogue as it is changed. */
export interface ProductBook {
  /** One writer at a time until the transaction ends, so that what is checked stays true; readers do not wait. */
  lock(tx: Transaction): Promise<void>
  byHandles(tx: Transaction, handles: readonly string[]): Promise<readonly Product[]>
  /** Who has the handles and SKUs of these contents. */
  neighbours(tx: Transaction, contents: readonly ProductContent[]): Promise<Neighbours>
  save(tx: Transaction, changes: readonly PlannedChange[]): Promise<void>
}

export interface VariantOnSale {
  readonly sku: string
  readonly productId: string
  readonly productTitle: string
  readonly title: string
  readonly price: Money
}

export interface VariantsOnSale {
  find(skus: readonly string[]): Promise<readonly VariantOnSale[]>
}

export type ProductRefusal = ContentRefusal | ConflictRefusal | Refusal<'product.unknown' | 'product.version-mismatch'>
