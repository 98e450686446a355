import { createInstances } from '@micromart/kernel/instances'
import { type Dispatcher, Pool } from 'undici'
import { type Shopper, shopperOver } from '../shopper.ts'

const LEAVING_MS = 5_000
const TIMEOUT_MS = 30_000

/**
 * A shopper in front of several gateways, with what every load balancer does and no more: they take turns, one that refuses a
 * connection is passed over, and one that closes its connections is left alone for a while. Nothing that was sent is sent again.
 */
export function balancedShopper(urls: readonly string[]): Shopper {
  const pools = urls.map((url) => new Pool(url, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }))
  const gateways = createInstances(pools)
  const ask = async (
    request: Dispatcher.RequestOptions,
    [pool, ...others]: readonly Pool[],
  ): Promise<Dispatcher.ResponseData> => {
    if (!pool) throw new Error('There is no gateway')
    try {
      const response = await pool.request(request)
      if (response.headers['connection'] === 'close') gateways.passOver(pool, LEAVING_MS)
      return response
    } catch (error) {
      gateways.passOver(pool)
      if (!isRefused(error) || others.length === 0) throw error
      return ask(request, others)
    }
  }
  return shopperOver({
    send: (request) => ask(request, gateways.inOrder()),
    close: async () => {
      await Promise.all(pools.map((pool) => pool.close()))
    },
  })
}

const isRefused = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
