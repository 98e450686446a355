import { CartQueries, type PostalAddress } from '@micromart/contracts/gen/cart_pb'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import type { QueryClients } from '@micromart/service-kit/queries'
import type { Contacts } from '../ports.ts'

/** Cart knows what was typed at the checkout, user knows who is registered. */
export function grpcContacts(options: {
  grpc: QueryClients
  cartUrls: readonly string[]
  userUrls: readonly string[]
}): Contacts {
  const cart = options.grpc(CartQueries, options.cartUrls)
  const user = options.grpc(UserQueries, options.userUrls)
  return {
    async find({ orderId, customerId }) {
      const contact = await cart.getOrderContact({ orderId })
      const postalLines = contact.address ? envelopeLines(contact.address) : []
      if (contact.found && contact.email !== '') return { name: contact.name, email: contact.email, postalLines }
      const userId = contact.customerId || customerId
      const registered = userId ? await user.getContact({ userId }) : undefined
      if (!registered?.found || registered.email === '') return undefined
      return { name: contact.name || registered.name, email: registered.email, postalLines }
    },
  }
}

const envelopeLines = ({ line1, line2, city, region, postalCode, country }: PostalAddress): readonly string[] =>
  [line1, line2, [city, region, postalCode].filter((part) => part !== '').join(', '), country].filter(
    (line) => line !== '',
  )
