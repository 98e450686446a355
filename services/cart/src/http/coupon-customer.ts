import { createHash } from 'node:crypto'
import type { CartOwner } from '../domain/cart.ts'

/**
 * Whose limit a use counts towards: the customer's id; for a guest a digest of coupon and e-mail address, so that no address is kept and
 * nobody can be followed from one coupon to another. Capitals and ways to write a character (Unicode NFKC) make no new guest.
 */
export function couponCustomer(owner: CartOwner, { code, email }: { code: string; email: string }): string {
  if (owner.kind === 'customer') return owner.customerId
  const address = email.normalize('NFKC').toLowerCase()
  return createHash('sha256').update(`${code}\n${address}`).digest('base64url')
}
