import type { ServiceName } from '@micromart/service-kit/service'
import type { Answer } from './answer.ts'
import type { Balancer } from './balancer.ts'
import { createDeadlines } from './deadlines.ts'
import type { Ask, Work } from './exchange.ts'
import { Forwarding } from './forwarding.ts'
import { createServiceGuard, type ServiceGuard } from './service-guard.ts'

/** Passes requests on to services. */
export interface Forwarder {
  /** Asks the service of the route and streams its answer, or says why there is none. Bodies are streamed both ways. */
  forward(ask: Ask, answer: Answer): Work
  /** What keeps each service, for the metrics. */
  readonly guards: ReadonlyMap<ServiceName, ServiceGuard>
}

export interface ForwarderOptions {
  readonly balancer: Balancer
  readonly services: readonly ServiceName[]
  /** Requests to one service at the same time. */
  readonly mostInFlight: number
  /** In ms; never goes back. */
  readonly now?: () => number
}

/** Streams of one service at the same time: they cost little but last, so they may not take the places of requests. */
const MOST_STREAMS = 2_000

const systemNow = () => performance.now()

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { balancer, services, mostInFlight, now = systemNow } = options
  const deadlines = createDeadlines(now)
  const guardsFor = (most: number) =>
    new Map(services.map((service) => [service, createServiceGuard({ service, mostInFlight: most, now })]))
  const guards = guardsFor(mostInFlight)
  const streamGuards = guardsFor(MOST_STREAMS)
  return {
    guards,
    forward: (ask, answer) => {
      const guard = (ask.route.isStream ? streamGuards : guards).get(ask.route.service)
      if (!guard) throw new RangeError(`Nobody knows the service ${ask.route.service}`)
      const forwarding = new Forwarding(ask, answer, { balancer, deadlines, guard })
      forwarding.start()
      return forwarding
    },
  }
}
