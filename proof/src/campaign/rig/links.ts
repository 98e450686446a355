import type { ServiceName } from '@micromart/service-kit/service'
import { type FaultProxy, startFaultProxy } from '@micromart/testkit/fault-proxy'
import type { ProcessName } from './fleet.ts'

/** Who talks through a link, and to whom: `order-1>postgres`, `everyone>cart`, `shoppers>gateway`, `provider>payment`. */
export type LinkName = `${string}>${string}`

export interface Links {
  readonly names: readonly LinkName[]
  get(name: LinkName): FaultProxy
  portOf(name: LinkName): number
  close(): Promise<void>
}

export interface LinkPlan {
  readonly name: LinkName
  readonly ports: readonly number[]
}

/** Services that others ask over gRPC. */
export const asked = [
  'user',
  'cart',
  'product',
  'order',
  'payment',
  'notification',
] as const satisfies readonly ServiceName[]

export interface Place {
  readonly id: string
  readonly service: ProcessName
  readonly number: number
  readonly httpPort: number
  readonly grpcPort: number
}

/** Every line of the installation that goes through a proxy: each process to each server, and everybody to each service. */
export function linkPlans(
  places: readonly Place[],
  servers: { postgres: number; rabbitmq: number; redis: number },
): readonly LinkPlan[] {
  const backends = places.filter(({ service }) => service !== 'gateway')
  const portsOf = (service: ProcessName, pick: (place: Place) => number) =>
    places.filter((place) => place.service === service).map(pick)
  const services = [...new Set(backends.map(({ service }) => service))]
  const http = ({ httpPort }: Place) => httpPort
  return [
    ...backends.map(({ id }) => ({ name: `${id}>postgres` as const, ports: [servers.postgres] })),
    ...backends.map(({ id }) => ({ name: `${id}>rabbitmq` as const, ports: [servers.rabbitmq] })),
    ...places
      .filter(({ service }) => service === 'user' || service === 'gateway')
      .map(({ id }) => ({ name: `${id}>redis` as const, ports: [servers.redis] })),
    ...backends
      .filter(({ service }) => service === 'payment')
      .map(({ id }) => ({ name: `${id}>provider` as const, ports: [servers.postgres] })),
    ...services.map((service) => ({ name: `everyone>${service}` as const, ports: portsOf(service, http) })),
    ...asked.map((service) => ({
      name: `queries>${service}` as const,
      ports: portsOf(service, ({ grpcPort }) => grpcPort),
    })),
    { name: 'provider>payment', ports: portsOf('payment', http) },
    { name: 'shoppers>gateway', ports: portsOf('gateway', http) },
  ]
}

export async function openLinks(plans: readonly LinkPlan[], ports: readonly number[]): Promise<Links> {
  const proxies = new Map<LinkName, FaultProxy>()
  for (const [index, { name, ports: upstreams }] of plans.entries())
    proxies.set(
      name,
      await startFaultProxy({ upstreams: () => upstreams.map((port) => ({ port })), port: ports[index] ?? 0 }),
    )
  const get = (name: LinkName) => {
    const proxy = proxies.get(name)
    if (!proxy) throw new Error(`There is no link ${name}`)
    return proxy
  }
  return {
    names: [...proxies.keys()],
    get,
    portOf: (name) => get(name).port,
    close: async () => void (await Promise.all([...proxies.values()].map((proxy) => proxy.close()))),
  }
}
