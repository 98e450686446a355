import { ProductQueries } from '@micromart/contracts/gen/product_pb'
import { money } from '@micromart/kernel/money'
import { ok, refuse } from '@micromart/kernel/result'
import { isQueryUnavailable, type QueryClients } from '@micromart/service-kit/queries'
import type { Catalogue } from '../ports.ts'

export function grpcCatalogue(options: { grpc: QueryClients; productUrls: readonly string[] }): Catalogue {
  const product = options.grpc(ProductQueries, options.productUrls)
  return {
    async find(sku) {
      try {
        const { variants } = await product.findVariants({ skus: [sku] })
        const variant = variants.find((candidate) => candidate.sku === sku)
        if (!variant) return refuse('cart.unknown-sku', `${sku} is not on sale`)
        return ok({ title: variant.title, price: money(Number(variant.priceMinor), variant.currency) })
      } catch (error) {
        if (isQueryUnavailable(error))
          return refuse(
            'cart.catalogue-unavailable',
            'The catalogue cannot tell the price right now; try again in a moment',
          )
        throw error
      }
    },
  }
}
