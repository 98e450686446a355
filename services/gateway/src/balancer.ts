import type { Watch } from '@micromart/discovery/discovery'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { Pool } from 'undici'
import { createRotation, type Outcome, type Policy, type Rotation } from './rotation.ts'
import { keptConnections } from './upstream/kept-connections.ts'
import type { Transport } from './upstream/transport.ts'
import { undiciTransport } from './upstream/undici-transport.ts'

/** The addresses of each service's instances. */
export type Upstreams = Readonly<Record<ServiceName, readonly string[]>>

/** One instance of a service. */
export interface Upstream {
  readonly url: string
  /** For requests that are whole. */
  readonly whole: Transport
  /** For bodies that are still coming: slow clients keep nobody else waiting. */
  readonly uploads: Transport
  /** For answers that last. */
  readonly streams: Transport
}

/** Chooses who is asked. */
export interface Balancer {
  /**
   * The instance to ask next: none that was tried already if there is another. Undefined when there is none at all. Each is told its outcome once.
   * `mayRepeat`: nothing is lost if it comes to nothing, so that it may go to one that has failed lately.
   */
  choose(service: ServiceName, tried: readonly Upstream[], mayRepeat: boolean): Upstream | undefined
  outcome(service: ServiceName, upstream: Upstream, outcome: Outcome): void
  /** Where the instances are right now. */
  addresses(): Upstreams
  /** How many instances a service has, and how many of them are left out, for the metrics. */
  count(service: ServiceName): { readonly all: number; readonly ejected: number }
  /** From now on the instances of the service are those of this watch; the one before is closed, and what runs there is finished. */
  follow(service: ServiceName, watch: Watch): void
  /** Finishes what runs. */
  close(): Promise<void>
}

/** Less than a service goes on answering when it is told to end: no idle connection is left by then that could be used too late. */
const KEPT_IDLE_MS = 1_000

/** A stream begins within this time, and is never silent for so long: services say every quarter of a minute that they are there. */
const streamOptions = { headersTimeout: 10_000, bodyTimeout: 45_000 }

/** Of each kind, to one instance. */
const MOST_CONNECTIONS = 64
const CONNECT_TIMEOUT_MS = 2_000

/** Deadlines are kept by the forwarder, so undici's own timers are off. */
const poolOptions = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  pipelining: 1,
  keepAliveTimeout: KEPT_IDLE_MS,
  keepAliveMaxTimeout: KEPT_IDLE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
}

interface OpenUpstream extends Upstream {
  close(): Promise<void>
}

function openUpstream(url: string): OpenUpstream {
  const byUndici = (options: Pool.Options) => undiciTransport(new Pool(url, { ...poolOptions, ...options }))
  const whole = wholeRequests(new URL(url)) ?? byUndici({ connections: MOST_CONNECTIONS })
  const uploads = byUndici({ connections: MOST_CONNECTIONS })
  const streams = byUndici({ ...streamOptions, connections: null })
  const close = () => Promise.all([whole, uploads, streams].map((each) => each.close())).then(() => {})
  return { url, whole, uploads, streams, close }
}

/** Undefined over TLS. */
const wholeRequests = (url: URL): Transport | undefined =>
  url.protocol === 'http:'
    ? keptConnections(url, { most: MOST_CONNECTIONS, idleMs: KEPT_IDLE_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS })
    : undefined

interface Followed {
  readonly rotation: Rotation<Upstream>
  watch: Watch | undefined
  upstreams: readonly OpenUpstream[]
}

/** The instances that discovery finds: pools open as they come and close when they have gone and finished what they were asked. */
export function createBalancer({
  watches,
  policy,
}: {
  readonly watches: Readonly<Record<ServiceName, Watch>>
  readonly policy: Policy
}): Balancer {
  const closing = new Set<Promise<void>>()
  const services = new Map<string, Followed>(
    serviceNames.map((name) => [
      name,
      { rotation: createRotation<Upstream>({ instances: [], policy }), watch: undefined, upstreams: [] },
    ]),
  )
  const finish = (upstream: OpenUpstream) => {
    const closed = upstream.close().finally(() => closing.delete(closed))
    closing.add(closed)
  }
  const take = (service: Followed, urls: readonly string[]) => {
    const before = new Map(service.upstreams.map((upstream) => [upstream.url, upstream]))
    service.upstreams = urls.map((url) => before.get(url) ?? openUpstream(url))
    service.rotation.replace(service.upstreams)
    for (const upstream of before.values()) if (!urls.includes(upstream.url)) finish(upstream)
  }
  const follow: Balancer['follow'] = (name, watch) => {
    const service = services.get(name)
    if (!service) throw new RangeError(`Nobody knows the service ${name}`)
    service.watch?.close()
    service.watch = watch
    watch.onChange((urls) => take(service, urls))
    take(service, watch.instances())
  }
  for (const name of serviceNames) follow(name, watches[name])

  return {
    choose: (service, tried, mayRepeat) => services.get(service)?.rotation.choose(tried, mayRepeat),
    outcome: (service, upstream, outcome) => services.get(service)?.rotation.outcome(upstream, outcome),
    addresses: () =>
      Object.fromEntries(
        serviceNames.map((name) => [name, services.get(name)?.upstreams.map(({ url }) => url) ?? []]),
      ) as unknown as Upstreams,
    count: (service) => services.get(service)?.rotation.count() ?? { all: 0, ejected: 0 },
    follow,
    close: async () => {
      for (const { watch, upstreams } of services.values()) {
        watch?.close()
        upstreams.forEach(finish)
      }
      await Promise.all(closing)
    },
  }
}

/** A fixed list of instances. */
export const staticBalancer = (addresses: Upstreams, policy: Policy = 'least-pending'): Balancer =>
  createBalancer({
    watches: Object.fromEntries(serviceNames.map((name) => [name, fixed(addresses[name])])) as Record<
      ServiceName,
      Watch
    >,
    policy,
  })

const fixed = (urls: readonly string[]): Watch => ({
  instances: () => urls,
  onChange: () => () => {},
  settled: async () => {},
  close: () => {},
})
