import type { AddressInfo } from 'node:net'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { queryServer } from '@micromart/service-kit/queries'

/** Stands in for cart: a real gRPC server that knows no checkout. */
export async function startCheckoutServer() {
  const server = queryServer(
    (router) => {
      router.service(CartQueries, { getCheckout: () => ({ found: false }), getOrderContact: () => ({ found: false }) })
    },
    { internalToken: 'test-internal-token' },
  )
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    env: { CART_GRPC_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    close: () => {
      for (const session of sessions) session.destroy()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
