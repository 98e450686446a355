import type { AnyServiceDefinition, ServiceName } from '@micromart/service-kit/service'

/** All services behind the gateway, each loaded when it is asked for: a process that runs one of them needs none of the others. */
export const loadService: Readonly<Record<ServiceName, () => Promise<AnyServiceDefinition>>> = {
  user: async () => (await import('@micromart/user/main')).user,
  product: async () => (await import('@micromart/product/main')).product,
  inventory: async () => (await import('@micromart/inventory/main')).inventory,
  cart: async () => (await import('@micromart/cart/main')).cart,
  order: async () => (await import('@micromart/order/main')).order,
  payment: async () => (await import('@micromart/payment/main')).payment,
  notification: async () => (await import('@micromart/notification/main')).notification,
  analytics: async () => (await import('@micromart/analytics/main')).analytics,
}
