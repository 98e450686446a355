import { eraseWhenAsked, personalDataQueries } from '@micromart/service-kit/personal-data'
import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { bothOf, subscription } from '@micromart/service-kit/subscription'
import { cartQueries } from './adapters/cart-queries.ts'
import { grpcCatalogue } from './adapters/grpc-catalogue.ts'
import { postgresCartEndings, postgresCarts } from './adapters/postgres-carts.ts'
import { postgresCheckouts } from './adapters/postgres-checkouts.ts'
import { postgresCouponBook, postgresCouponUses } from './adapters/postgres-coupons.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import type { CartConfig } from './config.ts'
import { cartCouponRoutes } from './http/cart-coupon-routes.ts'
import { cartRoutes } from './http/cart-routes.ts'
import { checkoutRoutes } from './http/checkout-routes.ts'
import { couponRoutes } from './http/coupon-routes.ts'
import { cartSubscription } from './messages/cart-subscriptions.ts'

/** The cart service on any parts: carts, coupons and checkout behind HTTP, what was checked out behind gRPC. */
export async function cartService(parts: ServiceParts<CartConfig>): Promise<BuiltService> {
  const { config, database, outbox, write, audit, clock, ids, http, grpc } = parts
  const catalogue = grpcCatalogue({ grpc, productUrls: config.PRODUCT_GRPC_URL })
  const checkouts = postgresCheckouts(database)
  cartRoutes(http, { carts: postgresCarts, catalogue, database, write, clock, ids, currency: config.CART_CURRENCY })
  cartCouponRoutes(http, { carts: postgresCarts, coupons: postgresCouponBook, write, clock })
  couponRoutes(http, { coupons: postgresCouponBook, database, write, audit, clock })
  checkoutRoutes(http, { carts: postgresCarts, checkouts, coupons: postgresCouponUses, outbox, write, clock, ids })
  const data = postgresPersonalData(database)
  return {
    subscription: bothOf(
      cartSubscription({ endings: postgresCartEndings, coupons: postgresCouponUses, clock }),
      subscription(eraseWhenAsked('cart', { data, outbox })),
    ),
    queries: (router) => {
      cartQueries(checkouts)(router)
      personalDataQueries(data)(router)
    },
  }
}
