import { analytics } from '@micromart/analytics/main'
import { cart } from '@micromart/cart/main'
import { inventory } from '@micromart/inventory/main'
import { notification } from '@micromart/notification/main'
import { order } from '@micromart/order/main'
import { payment } from '@micromart/payment/main'
import { product } from '@micromart/product/main'
import type { AnyServiceDefinition, ServiceName } from '@micromart/service-kit/service'
import { user } from '@micromart/user/main'

/** All services behind the gateway. */
export const services: Readonly<Record<ServiceName, AnyServiceDefinition>> = {
  user,
  product,
  inventory,
  cart,
  order,
  payment,
  notification,
  analytics,
}
