import type { AddressInfo } from 'node:net'
import { Code, ConnectError } from '@connectrpc/connect'
import { OrderQueries } from '@micromart/contracts/gen/order_pb'
import { PersonalData } from '@micromart/contracts/gen/personal_data_pb'
import { queryServer } from '@micromart/service-kit/queries'

/** Stands in for the services that know something about people: a real gRPC server that says what the test wants. */
export async function startKeepers() {
  const state = { orders: [] as { orderId: string; isOpen: boolean }[], isAway: false, asked: 0 }
  const answer = <T>(value: T): T => {
    state.asked += 1
    if (state.isAway) throw new ConnectError('away', Code.Unavailable)
    return value
  }
  const server = queryServer(
    (router) => {
      router.service(OrderQueries, { listOrdersOf: () => answer({ orders: state.orders }) })
      router.service(PersonalData, {
        collect: ({ userId, orderIds }) => answer({ document: JSON.stringify({ userId, orderIds }) }),
      })
    },
    { internalToken: 'test-internal-token' },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    state,
    env: { CART_GRPC_URL: url, ORDER_GRPC_URL: url, PAYMENT_GRPC_URL: url, NOTIFICATION_GRPC_URL: url },
    close: () => void server.close(),
  }
}
