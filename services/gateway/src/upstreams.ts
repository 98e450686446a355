import type { Discovery, Watch } from '@micromart/discovery/discovery'
import { ConfigError } from '@micromart/service-kit/config'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import type { Upstreams } from './balancer.ts'
import type { GatewayConfig } from './config.ts'

export type Watches = Readonly<Record<ServiceName, Watch>>

/** So long the first answers of DNS and Consul are waited for. */
export const FIRST_ANSWER_MS = 5_000

/** What the configuration says about where each service is. */
export const upstreamAddresses = (config: GatewayConfig): Upstreams => ({
  user: config.USER_URL,
  product: config.PRODUCT_URL,
  inventory: config.INVENTORY_URL,
  cart: config.CART_URL,
  order: config.ORDER_URL,
  payment: config.PAYMENT_URL,
  notification: config.NOTIFICATION_URL,
  analytics: config.ANALYTICS_URL,
})

/** Follows the instances of every service; a service without an answer yet is down until it has one. @throws ConfigError with every bad address */
export async function watchUpstreams(discovery: Discovery, addresses: Upstreams): Promise<Watches> {
  const faults: string[] = []
  const watches: [ServiceName, Watch][] = []
  for (const name of serviceNames) {
    const watched = discovery.watch(addresses[name])
    if (watched.ok) watches.push([name, watched.value])
    else faults.push(...watched.error.map(({ detail }) => `${name.toUpperCase()}_URL: ${detail}`))
  }
  if (faults.length > 0) throw new ConfigError(faults)
  await Promise.all(watches.map(([, watch]) => watch.settled(FIRST_ANSWER_MS)))
  return Object.fromEntries(watches) as Watches
}
