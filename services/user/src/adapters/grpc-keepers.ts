import { OrderQueries } from '@micromart/contracts/gen/order_pb'
import { PersonalData } from '@micromart/contracts/gen/personal_data_pb'
import { type Keeper, keepers } from '@micromart/contracts/personal-data'
import type { QueryClients } from '@micromart/service-kit/queries'
import type { Keepers } from '../privacy-ports.ts'

/** Asks the other services what they know about a person. */
export function grpcKeepers({
  grpc,
  urls,
}: {
  grpc: QueryClients
  urls: Readonly<Record<Keeper, readonly string[]>>
}): Keepers {
  const orders = grpc(OrderQueries, urls.order)
  const clients = keepers.map((keeper) => [keeper, grpc(PersonalData, urls[keeper])] as const)
  return {
    ordersOf: async (userId) => {
      const { orders: all } = await orders.listOrdersOf({ userId })
      return all.map(({ orderId, isOpen }) => ({ orderId, isOpen }))
    },
    collect: async (person) => {
      const orderIds = [...person.orderIds]
      const parts = await Promise.all(
        clients.map(async ([keeper, client]) => {
          const { document } = await client.collect({ userId: person.userId, orderIds })
          return [keeper, JSON.parse(document)] as const
        }),
      )
      return Object.fromEntries(parts)
    },
  }
}
