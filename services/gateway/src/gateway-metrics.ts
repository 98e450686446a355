import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import type { Metrics, Series } from '@micromart/telemetry/metrics'
import type { Balancer } from './balancer.ts'
import type { Exchange } from './exchange.ts'
import type { Route } from './routes.ts'
import type { GuardCounts, ServiceGuard } from './service-guard.ts'
import type { WebSockets } from './web-sockets/web-sockets.ts'

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 }

const NOWHERE = { method: 'none', path: 'none' }

export interface Measured {
  readonly guards: ReadonlyMap<ServiceName, ServiceGuard>
  readonly webSockets: Pick<WebSockets, 'count'>
  readonly balancer: Pick<Balancer, 'count'>
}

/** Counts requests by route and class of status. @returns what is called for each request that is over */
export function measureGateway(
  metrics: Metrics,
  { guards, webSockets, balancer }: Measured,
): (exchange: Exchange) => void {
  const durations = metrics.histogram({
    name: 'micromart_gateway_request_duration_seconds',
    help: 'From the request to the end of its answer. Status "gone": the client left first. Route "none": a page of the gateway, or nothing.',
    buckets: BUCKETS_S,
  })
  observeGuards(metrics, guards)
  observeInstances(metrics, balancer)
  metrics.observe({
    name: 'micromart_gateway_web_sockets',
    help: 'WebSockets that are open now, and handshakes.',
    kind: 'gauge',
    read: () => [{ labels: {}, value: webSockets.count() }],
  })
  /** By route, and then by the first digit of the status. */
  const known = new Map<Pick<Route, 'method' | 'path'>, (Series | undefined)[]>()

  const seriesOf = (route: Pick<Route, 'method' | 'path'>, digit: number): Series => {
    const own = known.get(route) ?? []
    if (own.length === 0) known.set(route, own)
    const status = digit === 0 ? 'gone' : `${digit}xx`
    const made = own[digit] ?? durations.of({ method: route.method, route: route.path, status })
    own[digit] = made
    return made
  }

  return ({ found, response, startedAtMs }) => {
    const digit = response.headersSent ? Math.floor(response.statusCode / 100) : 0
    seriesOf(found ?? NOWHERE, digit).add((performance.now() - startedAtMs) / 1_000)
  }
}

function observeInstances(metrics: Metrics, balancer: Pick<Balancer, 'count'>): void {
  const gauge = (name: string, help: string, of: 'all' | 'ejected') =>
    metrics.observe({
      name: `micromart_gateway_${name}`,
      help,
      kind: 'gauge',
      read: () => serviceNames.map((service) => ({ labels: { service }, value: balancer.count(service)[of] })),
    })
  gauge('instances', 'Instances of a service, as discovery knows them.', 'all')
  gauge('instances_left_out', 'Of them those that get no requests because they have failed.', 'ejected')
}

function observeGuards(metrics: Metrics, guards: ReadonlyMap<ServiceName, ServiceGuard>): void {
  const each = (value: (guard: ServiceGuard) => number) => () =>
    [...guards].map(([service, guard]) => ({ labels: { service }, value: value(guard) }))
  const count = (name: string, help: string, of: keyof GuardCounts) =>
    metrics.observe({
      name: `micromart_gateway_${name}`,
      help,
      kind: 'counter',
      read: each(({ counts }) => counts[of]),
    })
  metrics.observe({
    name: 'micromart_gateway_in_flight',
    help: 'Requests that a service has now.',
    kind: 'gauge',
    read: each(({ counts }) => counts.inFlight),
  })
  metrics.observe({
    name: 'micromart_gateway_breaker_state',
    help: 'Circuit breaker of a service: 0 closed, 1 half-open, 2 open.',
    kind: 'gauge',
    read: each((guard) => BREAKER_STATES[guard.breaker()]),
  })
  count('shed_total', 'Requests refused because the service had too many at once.', 'shed')
  count('broken_total', 'Requests refused because the service kept failing.', 'broken')
  count('retries_total', 'Requests sent to a service once more.', 'retries')
  count('retries_refused_total', 'Requests not sent once more, because too many were lately.', 'retriesRefused')
}
