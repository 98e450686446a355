import type { AddressInfo } from 'node:net'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { queryServer } from '@micromart/service-kit/queries'

export interface Person {
  readonly name: string
  readonly email: string
  readonly customerId?: string
}

/** Stands in for cart and user: a real gRPC server that answers from maps. */
export async function startContactServer(port = 0) {
  const orders = new Map<string, Person>()
  const users = new Map<string, Person>()
  const mails = new Map<string, { name: string; email: string; link?: string; expiresAt?: string }>()
  const address = { line1: '1 High Street', line2: '', city: 'York', region: '', postalCode: 'YO1 7HH', country: 'GB' }
  const server = queryServer(
    (router) => {
      router.service(CartQueries, {
        getCheckout: () => ({ found: false }),
        getOrderContact: ({ orderId }) => {
          const person = orders.get(orderId)
          return person
            ? { found: true, customerId: '', ...person, address: { ...address, name: person.name } }
            : { found: false }
        },
      })
      router.service(UserQueries, {
        getContact: ({ userId }) => {
          const person = users.get(userId)
          return person ? { found: true, name: person.name, email: person.email } : { found: false }
        },
        getAccountMail: ({ userId, letter, linkId }) => {
          const mail = mails.get(`${letter} ${linkId || userId}`)
          return mail ? { found: true, ...mail } : { found: false }
        },
      })
    },
    { internalToken: 'test-internal-token' },
  )
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    orders,
    users,
    /** By letter, and link or user. */
    mails,
    env: { CART_GRPC_URL: url, USER_GRPC_URL: url },
    close: () => {
      for (const session of sessions) session.destroy()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export type ContactServer = Awaited<ReturnType<typeof startContactServer>>
