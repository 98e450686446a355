import type { CartOwner } from '../domain/cart.ts'

/** customer_id and guest_token_hash, in this order: exactly one of them is set. */
export const ownerColumns = (owner: CartOwner): readonly [string | null, string | null] =>
  owner.kind === 'customer' ? [owner.customerId, null] : [null, owner.tokenHash]

export function ownerOf(row: { customerId: string | null; guestTokenHash: string | null }): CartOwner {
  if (row.customerId !== null) return { kind: 'customer', customerId: row.customerId }
  if (row.guestTokenHash !== null) return { kind: 'guest', tokenHash: row.guestTokenHash }
  throw new Error('A cart without an owner')
}
