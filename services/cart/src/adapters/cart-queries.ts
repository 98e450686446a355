import type { ConnectRouter } from '@connectrpc/connect'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { isUuid } from '@micromart/kernel/ids'
import type { Checkout, CheckoutStore } from '../ports.ts'

/** What other services may ask about checked-out carts; an order id that is not known is an answer, not an error. */
export const cartQueries =
  (checkouts: CheckoutStore) =>
  (router: ConnectRouter): void => {
    router.service(CartQueries, {
      async getCheckout({ orderId }) {
        const checkout = isUuid(orderId) ? await checkouts.find(orderId) : undefined
        if (!checkout) return { found: false }
        const { cartId, owner, lines, total, discount, paymentMethod, checkedOutAt } = checkout
        return {
          found: true,
          orderId,
          cartId,
          customerId: owner.kind === 'customer' ? owner.customerId : '',
          guestTokenHash: owner.kind === 'guest' ? owner.tokenHash : '',
          lines: lines.map(({ id, sku, title, quantity, unitPrice }) => ({
            lineId: id,
            sku,
            title,
            quantity,
            unitPriceMinor: BigInt(unitPrice.minor),
          })),
          currency: total.currency,
          totalMinor: BigInt(total.minor),
          ...discountFields(discount),
          checkedOutAt: checkedOutAt.toISOString(),
          paymentMethod,
        }
      },
      async getOrderContact({ orderId }) {
        const contact = isUuid(orderId) ? await checkouts.findContact(orderId) : undefined
        if (!contact) return { found: false }
        const { email, customerId, address } = contact
        return { found: true, name: address.name, email: email ?? '', customerId: customerId ?? '', address }
      },
    })
  }

const discountFields = (discount: Checkout['discount']) =>
  discount ? { discountMinor: BigInt(discount.amount.minor), couponCode: discount.couponCode } : {}
