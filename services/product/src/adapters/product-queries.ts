import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { ProductQueries } from '@micromart/contracts/gen/product_pb'
import { soldAs } from '../domain/product.ts'
import type { VariantsOnSale } from '../ports.ts'

const MOST_SKUS = 1_000

/** What other services may ask about the catalogue: only what is on sale. */
export const productQueries =
  (variants: VariantsOnSale) =>
  (router: ConnectRouter): void => {
    router.service(ProductQueries, {
      async findVariants({ skus }) {
        if (skus.length > MOST_SKUS) throw new ConnectError(`ask for at most ${MOST_SKUS} SKUs`, Code.InvalidArgument)
        const found = await variants.find(skus.filter((sku) => !sku.includes('\u0000')))
        return {
          variants: found.map(({ sku, productId, productTitle, title, price }) => ({
            sku,
            productId,
            title: soldAs(productTitle, title),
            priceMinor: BigInt(price.minor),
            currency: price.currency,
          })),
        }
      },
    })
  }
