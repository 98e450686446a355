import { type Money, money, multiplyMoney, totalOf } from '@micromart/kernel/money'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import { type CouponRefusal, type CouponTerms, discountFor } from './coupon.ts'

//   open -> checked-out -> ordered
//                +------------+----> released
export interface CartLine {
  readonly id: string
  readonly sku: string
  readonly title: string
  readonly quantity: number
  /** The price when the SKU was last added. */
  readonly unitPrice: Money
}

interface CartContent {
  readonly id: string
  /** One more with every change. */
  readonly version: number
  readonly currency: string
  /** At most one line a SKU. */
  readonly lines: readonly CartLine[]
  /** The coupon that the shopper has put in; its use is taken by the checkout. */
  readonly coupon: CouponTerms | null
}

export type OpenCart = CartContent & { readonly status: 'open' }
export type ClosedCart = CartContent & {
  readonly status: 'checked-out' | 'ordered' | 'released'
  readonly orderId: string
}
export type Cart = OpenCart | ClosedCart

export type CartOwner =
  | { readonly kind: 'customer'; readonly customerId: string }
  | { readonly kind: 'guest'; readonly tokenHash: string }

export type CartRefusal = Refusal<
  | 'cart.checked-out'
  | 'cart.currency-mismatch'
  | 'cart.empty'
  | 'cart.no-coupon'
  | 'cart.quantity-too-large'
  | 'cart.too-many-lines'
  | 'cart.total-too-large'
  | 'cart.unknown-line'
>

type Changed = Result<OpenCart, CartRefusal>

export const MOST_LINES = 100
export const MOST_PIECES = 1_000

export const emptyCart = (id: string, currency: string): OpenCart => ({
  id,
  version: 1,
  status: 'open',
  currency,
  lines: [],
  coupon: null,
})

/** What the lines cost, before any discount. */
export const subtotalOfCart = ({ lines, currency }: Cart): Money => totalOf(lines, currency)

export function discountOfCart(cart: Cart): Money {
  const subtotal = subtotalOfCart(cart)
  return cart.coupon ? discountFor(cart.coupon, subtotal) : money(0, subtotal.currency)
}

/** What is charged: subtotal less discount, never below zero. */
export const totalOfCart = (cart: Cart): Money =>
  money(subtotalOfCart(cart).minor - discountOfCart(cart).minor, cart.currency)

export const totalOfLine = ({ unitPrice, quantity }: CartLine): Money => multiplyMoney(unitPrice, quantity)

/** Adds pieces; a SKU that is there already gets more pieces, and all of them take the price of now. */
export function addItem(cart: Cart, item: CartLine): Changed {
  if (cart.status !== 'open') return checkedOut()
  if (item.unitPrice.currency !== cart.currency)
    return refuse(
      'cart.currency-mismatch',
      `${item.sku} is sold in ${item.unitPrice.currency}, this cart is in ${cart.currency}`,
    )
  const present = cart.lines.find(({ sku }) => sku === item.sku)
  if (!present) {
    if (cart.lines.length >= MOST_LINES)
      return refuse('cart.too-many-lines', `A cart holds at most ${MOST_LINES} different SKUs`)
    return withLines(cart, [...cart.lines, item])
  }
  const grown = { ...item, id: present.id, quantity: present.quantity + item.quantity }
  return withLines(
    cart,
    cart.lines.map((line) => (line === present ? grown : line)),
  )
}

/** Sets the pieces of a line; zero removes it. */
export function changeQuantity(cart: Cart, lineId: string, quantity: number): Changed {
  if (cart.status !== 'open') return checkedOut()
  if (!cart.lines.some(({ id }) => id === lineId)) return refuse('cart.unknown-line', 'This cart has no such line')
  return withLines(
    cart,
    cart.lines.map((line) => (line.id === lineId ? { ...line, quantity } : line)).filter((line) => line.quantity > 0),
  )
}

/** Puts a coupon in; one that was in before is taken out. */
export function applyCoupon(cart: Cart, coupon: CouponTerms): Result<OpenCart, CartRefusal | CouponRefusal> {
  if (cart.status !== 'open') return checkedOut()
  if (coupon.kind === 'amount' && coupon.amount.currency !== cart.currency)
    return refuse(
      'cart.coupon-currency-mismatch',
      `This coupon is for carts in ${coupon.amount.currency}, this one is in ${cart.currency}`,
    )
  return ok({ ...cart, version: cart.version + 1, coupon })
}

export function removeCoupon(cart: Cart): Changed {
  if (cart.status !== 'open') return checkedOut()
  if (cart.coupon === null) return refuse('cart.no-coupon', 'There is no coupon in this cart')
  return ok({ ...cart, version: cart.version + 1, coupon: null })
}

/** Freezes the cart for an order. */
export function checkOut(cart: Cart, orderId: string): Result<ClosedCart, CartRefusal> {
  if (cart.status !== 'open') return checkedOut()
  if (cart.lines.length === 0) return refuse('cart.empty', 'There is nothing in this cart')
  return ok({ ...cart, version: cart.version + 1, status: 'checked-out', orderId })
}

const checkedOut = () => refuse('cart.checked-out', 'This cart was checked out and stays as it is; start a new one')

function withLines(cart: OpenCart, lines: readonly CartLine[]): Changed {
  if (lines.some(({ quantity }) => quantity > MOST_PIECES))
    return refuse('cart.quantity-too-large', `At most ${MOST_PIECES} pieces of one SKU fit in a cart`)
  const totalMinor = lines.reduce((sum, { unitPrice, quantity }) => sum + unitPrice.minor * quantity, 0)
  if (!Number.isSafeInteger(totalMinor))
    return refuse('cart.total-too-large', 'The total is larger than can be counted exactly')
  return ok({ ...cart, version: cart.version + 1, lines })
}
