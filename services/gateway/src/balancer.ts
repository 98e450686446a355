import { createInstances, type Instances } from '@micromart/kernel/instances'
import type { ServiceName } from '@micromart/service-kit/service'
import { type Dispatcher, Pool } from 'undici'

/** The addresses of each service's instances. */
export type Upstreams = Readonly<Record<ServiceName, readonly string[]>>

/** One instance of a service. */
export interface Upstream {
  readonly url: string
  /** For requests that are whole. */
  readonly pool: Dispatcher
  /** For bodies that are still coming: slow clients keep nobody else waiting. */
  readonly uploads: Dispatcher
}

/**
 * What became of a request that was sent to an instance:
 * `answered`, whatever the status; `goodbye`: answered, and it will soon be gone; `refused`: no connection, nothing was sent;
 * `failed`: sent, and no answer came, or none in time, or not HTTP; `unknown`: given up for a reason that is not the instance's.
 */
export type Outcome = 'answered' | 'goodbye' | 'refused' | 'failed' | 'unknown'

/** Chooses who is asked. */
export interface Balancer {
  /** The instance to ask next: none that was tried already if there is another. Undefined when there is none at all. Each is told its outcome once. */
  choose(service: ServiceName, tried: readonly Upstream[]): Upstream | undefined
  outcome(service: ServiceName, upstream: Upstream, outcome: Outcome): void
  /** Where the instances are right now. */
  addresses(): Upstreams
  close(): Promise<void>
}

/** Less than a service goes on answering when it is told to end: no idle connection is left by then that could be used too late. */
const KEPT_IDLE_MS = 1_000
/** Until one that has said goodbye is gone. */
const LEAVING_MS = 5_000

/** Deadlines are kept by the forwarder, so undici's own timers are off. */
const poolOptions = {
  connectTimeout: 2_000,
  pipelining: 1,
  keepAliveTimeout: KEPT_IDLE_MS,
  keepAliveMaxTimeout: KEPT_IDLE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
}

interface OpenUpstream extends Upstream {
  readonly pool: Pool
  readonly uploads: Pool
  close(): Promise<void>
}

function openUpstream(url: string): OpenUpstream {
  const pool = new Pool(url, { ...poolOptions, connections: 64 })
  const uploads = new Pool(url, { ...poolOptions, connections: 64 })
  return { url, pool, uploads, close: () => Promise.all([pool.close(), uploads.close()]).then(() => {}) }
}

/** The instances of a fixed list, by turns; one that fails is passed over for a while. */
export function staticBalancer(addresses: Upstreams): Balancer {
  const services = new Map<string, Instances<Upstream>>()
  const opened: OpenUpstream[] = []
  for (const [name, urls] of Object.entries(addresses)) {
    const upstreams = urls.map(openUpstream)
    opened.push(...upstreams)
    services.set(name, createInstances<Upstream>(upstreams))
  }
  return {
    choose: (service, tried) => {
      const inOrder = services.get(service)?.inOrder() ?? []
      return inOrder.find((upstream) => !tried.includes(upstream)) ?? inOrder[0]
    },
    outcome: (service, upstream, outcome) => {
      if (outcome === 'goodbye') services.get(service)?.passOver(upstream, LEAVING_MS)
      if (outcome === 'refused' || outcome === 'failed') services.get(service)?.passOver(upstream)
    },
    addresses: () => addresses,
    close: () => Promise.all(opened.map((upstream) => upstream.close())).then(() => {}),
  }
}
