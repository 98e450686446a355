import { CartQueries, type GetCheckoutResponse } from '@micromart/contracts/gen/cart_pb'
import { kitProblem } from '@micromart/http-kit/problem'
import { isQueryUnavailable, type QueryClients } from '@micromart/service-kit/queries'
import type { AcceptedCheckouts, OrderView } from '../ports.ts'

export function grpcAcceptedCheckouts(options: { grpc: QueryClients; cartUrls: readonly string[] }): AcceptedCheckouts {
  const cart = options.grpc(CartQueries, options.cartUrls)
  return {
    async find(orderId) {
      try {
        const checkout = await cart.getCheckout({ orderId })
        if (!checkout.found) return undefined
        const { currency } = checkout
        const at = new Date(checkout.checkedOutAt)
        return {
          orderId,
          customerId: checkout.customerId || null,
          guestTokenHash: checkout.guestTokenHash || null,
          status: 'placed',
          reason: null,
          actionUrl: null,
          lines: checkout.lines.map(({ lineId, sku, title, quantity, unitPriceMinor }) => ({
            lineId,
            sku,
            title,
            quantity,
            unitPrice: { minor: Number(unitPriceMinor), currency },
          })),
          total: { minor: Number(checkout.totalMinor), currency },
          discount: discountOf(checkout),
          refundedMinor: 0,
          placedAt: at,
          updatedAt: at,
        }
      } catch (error) {
        // nobody knows now whether there is such an order: to deny it would be a lie to who has just bought
        if (isQueryUnavailable(error))
          throw kitProblem('service.unavailable', 'The order cannot be looked up right now; try again in a moment')
        throw error
      }
    },
  }
}

const discountOf = ({ couponCode, discountMinor, currency }: GetCheckoutResponse): OrderView['discount'] =>
  couponCode === '' ? null : { couponCode, amount: { minor: Number(discountMinor), currency } }
