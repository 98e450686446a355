import type { ConnectRouter } from '@connectrpc/connect'
import { OrderQueries } from '@micromart/contracts/gen/order_pb'
import { isUuid } from '@micromart/kernel/ids'
import type { OrderViews } from '../ports.ts'

const PAGE = 500

/** What other services may ask about orders. */
export const orderQueries =
  (views: OrderViews) =>
  (router: ConnectRouter): void => {
    router.service(OrderQueries, {
      async listOrdersOf({ userId }) {
        const orders: { orderId: string; isOpen: boolean }[] = []
        let before: string | undefined
        while (isUuid(userId)) {
          const page = await views.listFor(userId, { before, limit: PAGE })
          orders.push(...page.map(({ orderId, status }) => ({ orderId, isOpen: isOpen(status) })))
          if (page.length < PAGE) break
          before = page.at(-1)?.orderId
        }
        return { orders }
      },
    })
  }

const isOpen = (status: string) => status === 'placed' || status === 'awaiting-payment'
