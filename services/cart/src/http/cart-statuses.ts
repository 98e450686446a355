import type { StatusTable } from '@micromart/http-kit/problem'
import type { CartRefusal } from '../domain/cart.ts'
import type { CouponRefusal } from '../domain/coupon.ts'
import type { AccessRefusal } from './cart-access.ts'

/** What every change of a cart may be refused with. */
export const cartStatuses = {
  'cart.unknown': 404,
  'cart.unknown-line': 404,
  'cart.no-coupon': 404,
  'cart.checked-out': 409,
  'cart.version-mismatch': 412,
  'cart.currency-mismatch': 422,
  'cart.empty': 422,
  'cart.quantity-too-large': 422,
  'cart.too-many-lines': 422,
  'cart.total-too-large': 422,
} satisfies StatusTable<(AccessRefusal | CartRefusal)['code']>

export const cartCouponStatuses = {
  ...cartStatuses,
  'cart.coupon-used-before': 409,
  'cart.coupon-used-up': 409,
  'cart.coupon-currency-mismatch': 422,
  'cart.coupon-expired': 422,
  'cart.coupon-not-valid': 422,
} satisfies StatusTable<(AccessRefusal | CartRefusal | CouponRefusal)['code']>
