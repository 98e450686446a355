import type { AppliedDiscount } from '@micromart/contracts/message'
import type { Money } from '@micromart/kernel/money'
import type { Refusal, Result } from '@micromart/kernel/result'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { Cart, CartLine, CartOwner } from './domain/cart.ts'
import type { Coupon, CouponRefusal } from './domain/coupon.ts'

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
  /** What is charged: the lines less the discount. */
  readonly total: Money
  readonly discount?: AppliedDiscount
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

/** Where a coupon stands in the list. */
export interface CouponPlace {
  readonly createdAt: Date
  readonly code: string
}

/** The coupons as the staff keeps them. Codes are in capitals. */
export interface CouponBook {
  /** False when there is one of this code already. */
  add(tx: Transaction, coupon: Coupon): Promise<boolean>
  find(db: Queryable, code: string): Promise<Coupon | undefined>
  /** Newest first; `before` names the last one of the page before. */
  list(db: Queryable, page: { before: CouponPlace | undefined; limit: number }): Promise<readonly Coupon[]>
  /** Finds it, with the most uses that one customer has, and keeps all from changing and using it until the transaction ends. */
  lock(tx: Transaction, code: string): Promise<{ coupon: Coupon; mostByOneCustomer: number } | undefined>
  saveLimits(tx: Transaction, coupon: Coupon): Promise<void>
}

export interface CouponUse {
  readonly orderId: string
  readonly code: string
  /** Whose limit it counts towards. */
  readonly customer: string
  readonly discountMinor: number
  readonly usedAt: Date
}

/** Who has used a coupon: taken by a checkout, given back when its order is cancelled. */
export interface CouponUses {
  /** Takes one within all limits, or refuses; the caller rolls back then. Others that want this coupon wait until the transaction ends. */
  take(tx: Transaction, use: CouponUse): Promise<Result<void, CouponRefusal>>
  /** Once for each order, however often it is asked for; orders without a coupon are left alone. */
  giveBack(tx: Transaction, orderIds: readonly string[], at: Date): Promise<void>
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
