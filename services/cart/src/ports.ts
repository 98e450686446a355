import type { Money } from '@micromart/kernel/money'
import type { Refusal, Result } from '@micromart/kernel/result'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { Cart, CartLine, CartOwner } from './domain/cart.ts'

export interface OwnedCart {
  readonly cart: Cart
  readonly owner: CartOwner
}

export interface CartStore {
  create(tx: Transaction, cart: OwnedCart, at: Date): Promise<void>
  find(db: Queryable, id: string): Promise<OwnedCart | undefined>
  /** Finds it and keeps others from changing it until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<OwnedCart | undefined>
  save(tx: Transaction, cart: Cart, at: Date): Promise<void>
}

export interface CartAndOrder {
  readonly cartId: string
  readonly orderId: string
}

/** What becomes of checked-out carts; a cart that is not theirs or too far on is left alone. */
export interface CartEndings {
  ordered(tx: Transaction, carts: readonly CartAndOrder[], at: Date): Promise<void>
  released(tx: Transaction, carts: readonly CartAndOrder[], at: Date): Promise<void>
}

export interface Address {
  readonly name: string
  readonly line1: string
  readonly line2?: string
  readonly city: string
  readonly region?: string
  readonly postalCode: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
}

export interface Checkout {
  readonly orderId: string
  readonly cartId: string
  readonly owner: CartOwner
  readonly lines: readonly CartLine[]
  readonly total: Money
  readonly paymentMethod: string
  readonly checkedOutAt: Date
}

/** Where an order goes and who hears of it; without an email the user service knows it. */
export interface Contact {
  readonly email: string | undefined
  readonly address: Address
}

export interface CheckoutStore {
  record(tx: Transaction, checkout: Checkout, contact: Contact): Promise<void>
  find(orderId: string): Promise<Checkout | undefined>
  findContact(orderId: string): Promise<(Contact & { readonly customerId: string | null }) | undefined>
}

export interface CatalogueItem {
  readonly title: string
  readonly price: Money
}

export type CatalogueRefusal = Refusal<'cart.unknown-sku' | 'cart.catalogue-unavailable'>

/** What is on sale, and for how much. */
export interface Catalogue {
  find(sku: string): Promise<Result<CatalogueItem, CatalogueRefusal>>
}
