import { once } from 'node:events'
import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { ProductQueries } from '@micromart/contracts/gen/product_pb'
import { queryServer } from '@micromart/service-kit/queries'

interface Item {
  readonly sku: string
  readonly minor: number
  readonly currency?: string
}

/** Answers the catalogue's queries on a real port, which stays the same when it stops and starts again. */
export async function startCatalogue(internalToken: string) {
  const items = new Map<string, Item>()
  const sessions = new Set<ServerHttp2Session>()
  const open = async (port: number) => {
    const server = queryServer(
      (router) => {
        router.service(ProductQueries, {
          findVariants: ({ skus }) => ({
            variants: skus.flatMap((sku) => {
              const item = items.get(sku)
              return item
                ? [
                    {
                      sku,
                      productId: 'p',
                      title: `Title of ${sku}`,
                      priceMinor: BigInt(item.minor),
                      currency: item.currency ?? 'USD',
                    },
                  ]
                : []
            }),
          }),
        })
      },
      { internalToken },
    )
    server.on('session', (session) => sessions.add(session))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server: Http2Server = await open(0)
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const session of sessions) session.destroy()
    sessions.clear()
    await closed
  }
  return {
    url: `http://127.0.0.1:${port}`,
    put: (item: Item) => void items.set(item.sku, item),
    stop,
    start: async () => {
      server = await open(port)
    },
  }
}
