import cluster from 'node:cluster'
import { type AddressInfo, Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openDiscovery } from '@micromart/discovery/discovery'
import { jwksVerifier } from '@micromart/http-kit/identity'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { Broker } from '@micromart/messaging/broker'
import type { Env } from '@micromart/service-kit/config'
import { serviceNames } from '@micromart/service-kit/service'
import type { Logger } from '@micromart/telemetry/logger'
import { answerCluster, clusterMetrics, createMetrics, type Metrics } from '@micromart/telemetry/metrics'
import { createApiKeys } from './api-keys/key-exchange.ts'
import { createBalancer, type Upstreams } from './balancer.ts'
import { type GatewayConfig, gatewayConfig } from './config.ts'
import { refuseEnded } from './ended-sessions.ts'
import type { GatewayResponse } from './exchange.ts'
import { createForwarder } from './forwarder.ts'
import { frontDoor } from './front-door.ts'
import { createGateway } from './gateway.ts'
import { measureGateway } from './gateway-metrics.ts'
import { gatherKnowledge } from './knowledge.ts'
import { type MetricsServer, serveMetrics } from './metrics-server.ts'
import { mergedOpenApi } from './openapi.ts'
import { gatewayPages } from './pages.ts'
import { startProcesses } from './processes.ts'
import { openRouteTable } from './route-table.ts'
import { routes } from './routes.ts'
import { createRunning } from './running.ts'
import { createSuspicions, measureSuspicions } from './suspicions.ts'
import { upstreamAddresses, watchUpstreams } from './upstreams.ts'
import type { WebSockets } from './web-sockets/web-sockets.ts'

export interface GatewayParts {
  readonly environment: Env
  readonly log: Logger
  readonly clock: Clock
  readonly ids: Ids
  /** What services broadcast is heard here; the one who passes it closes it. Without one, answers are kept only shortly. */
  readonly broker?: Broker | undefined
}

export interface RunningGateway {
  readonly url: string
  /** Tells everybody to go elsewhere and goes on answering for DRAIN_MS. */
  drain(): Promise<void>
  /** Takes nothing new, finishes what runs, and ends. */
  close(): Promise<void>
}

const LAST_ANSWERS_MS = 10_000

/** The gateway keeps no data, so it has no `ServiceDefinition`: it is configured and started on its own. */
export const gateway = {
  name: 'gateway' as const,
  async start({ environment, log, clock, ids, broker }: GatewayParts): Promise<RunningGateway> {
    const config = gatewayConfig(environment)
    const discovery = openDiscovery({ log, dnsServers: config.DNS_SERVERS, consulToken: config.DISCOVERY_TOKEN })
    const addresses = upstreamAddresses(config)
    const start = async () => {
      const watches = await watchUpstreams(discovery, addresses)
      const balancer = createBalancer({ watches, policy: config.BALANCING })
      const file = config.ROUTES_FILE
      return { balancer, table: await openRouteTable({ builtIn: routes, file, addresses, discovery, balancer, log }) }
    }
    const { balancer, table } = await start().catch((error: unknown) => {
      discovery.close()
      throw error
    })
    const now = () => clock.now().getTime()
    const knowledge = await gatherKnowledge({ config, broker, discovery, now, log })
    const { cache, ended, exchangeKey: exchange } = knowledge
    const verifyToken = jwksVerifier({ jwksUrls: config.JWKS_URL, clock })
    const leaving = new AbortController()
    const pages = gatewayPages({
      leaving: () => leaving.signal.aborted,
      openApi: mergedOpenApi(table.routes, balancer.addresses, now),
      routes: table.state,
      readiness: oneAtATime(() => readinessOf(balancer.addresses())),
    })
    const { findRoute } = table
    const door = frontDoor({ config, log, findRoute, ended })
    const forwarder = createForwarder({ balancer, services: serviceNames, mostInFlight: config.UPSTREAM_CONCURRENCY })
    const metrics = config.METRICS_PORT > 0 ? createMetrics() : undefined
    const suspicions = createSuspicions({ log, nowMs: () => performance.now() })
    if (metrics) measureSuspicions(metrics, suspicions)
    const server = createGateway({
      findRoute,
      pages,
      forwarder,
      ...(cache ? { cache } : {}),
      ids,
      log,
      verifyToken: refuseEnded(verifyToken, ended),
      apiKeys: createApiKeys({ exchange, verifyToken, ended, now, log }),
      clientOf: door.clientOf,
      rateLimits: door.rateLimits,
      manners: door.manners,
      webSockets: door.webSockets,
      suspicions,
      ...(metrics && { measure: measureGateway(metrics, { ...forwarder, ...door, balancer }) }),
    })
    const stopGuarding = door.guard(server)
    const end = endOf(server, door.webSockets, leaving.signal)
    await listen(server, config).catch(async (error: unknown) => {
      table.close()
      await knowledge.close()
      throw error
    })
    const scraped = metrics && (await openMetrics(metrics, config))
    const hangUp = () => void table.reload()
    if (config.ROUTES_FILE !== '') process.on('SIGHUP', hangUp)
    const { port } = server.address() as AddressInfo
    return {
      url: `http://${config.HOST}:${port}`,
      drain: async () => {
        leaving.abort()
        await pause(config.DRAIN_MS)
      },
      close: async () => {
        leaving.abort()
        await end()
        scraped?.close()
        stopGuarding()
        door.close()
        process.off('SIGHUP', hangUp)
        table.close()
        await knowledge.close()
        await balancer.close()
      },
    }
  },
}

/** As a program of its own: in this process, or in several that share the port, each of which comes here again. */
export async function serveGateway<T extends Pick<RunningGateway, 'drain' | 'close'>>(
  { environment, log }: Pick<GatewayParts, 'environment' | 'log'>,
  startHere: () => Promise<T>,
): Promise<Pick<RunningGateway, 'drain' | 'close'>> {
  const config = gatewayConfig(environment)
  const { GATEWAY_PROCESSES: count, METRICS_HOST: host, METRICS_PORT: port, DRAIN_MS: drainMs } = config
  if (count === 1 || cluster.isWorker) return startHere()
  const scraped = port > 0 ? await serveMetrics({ host, port }, clusterMetrics().text) : undefined
  const processes = await startProcesses({ count, drainMs, log }).catch((error: unknown) => {
    scraped?.close()
    throw error
  })
  return {
    drain: processes.drain,
    close: async () => {
      scraped?.close()
      await processes.close()
    },
  }
}

/** The first of several processes tells the metrics of all. */
async function openMetrics(metrics: Metrics, config: GatewayConfig): Promise<MetricsServer | undefined> {
  if (!cluster.isWorker) return serveMetrics({ host: config.METRICS_HOST, port: config.METRICS_PORT }, metrics.text)
  answerCluster()
  return undefined
}

const listen = (server: Server, { PORT, HOST }: GatewayConfig) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(PORT, HOST, resolve)
  })

/** The end of a server: takes nothing new, lets what runs finish, and ends what has not after ten seconds. */
function endOf(
  server: ReturnType<typeof createGateway>,
  webSockets: WebSockets,
  leaving: AbortSignal,
): () => Promise<void> {
  const running = createRunning<GatewayResponse>()
  const closeIdle = () => {
    if (!server.listening && running.size === 0) server.closeIdleConnections()
  }
  // before the gateway itself, which may answer at once
  server.prependListener('request', (_request, response) => {
    running.add(response)
    response.shouldKeepAlive &&= !leaving.aborted
    response.once('close', () => {
      running.remove(response)
      closeIdle()
    })
  })
  leaving.addEventListener('abort', () => {
    for (const response of running) response.shouldKeepAlive = false
    endStreams(running)
    webSockets.endAll()
  })
  return () =>
    new Promise<void>((resolve) => {
      endStreams(running) // and those that have come since
      webSockets.close()
      const timer = setTimeout(() => {
        server.closeAllConnections()
        webSockets.cutAll()
      }, LAST_ANSWERS_MS)
      // the close of an HTTP server would cut off answers that are made but not read yet
      Server.prototype.close.call(server, () => {
        clearTimeout(timer)
        resolve()
      })
      closeIdle()
    })
}

/** Whoever asks while it is being found out gets the same answer: nobody can make the gateway ask more. */
function oneAtATime<T>(find: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= find().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}

/** A stream has no end of its own: its client is told that this was all, and comes back elsewhere. */
function endStreams(running: Iterable<GatewayResponse>): void {
  for (const response of running) {
    const { exchange } = response
    if (!exchange?.found?.isStream || !response.headersSent) continue
    response.on('error', () => {}) // what still comes is too late
    response.end(() => exchange.work?.cancel())
  }
}

async function readinessOf(upstreams: Upstreams): Promise<Readonly<Record<string, string>>> {
  const states = await Promise.all(
    Object.entries(upstreams).map(async ([name, urls]) => {
      const ready = await Promise.all(urls.map(isReady))
      return [name, ready.includes(true) ? 'up' : 'down'] as const
    }),
  )
  return Object.fromEntries(states)
}

const isReady = (url: string) =>
  fetch(`${url}/ready`, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
