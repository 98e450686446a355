import { openDiscovery } from '@micromart/discovery/discovery'
import { type Offer, parseRegistry, register } from '@micromart/discovery/registration'
import { jwksVerifier } from '@micromart/http-kit/identity'
import { buildHttp } from '@micromart/http-kit/server'
import { type Clock, systemClock } from '@micromart/kernel/clock'
import { type Ids, uuidV7 } from '@micromart/kernel/ids'
import type { Broker, Consumer } from '@micromart/messaging/broker'
import { createAuditLog } from '@micromart/postgres/audit-log'
import type { Database } from '@micromart/postgres/database'
import { keepHouse } from '@micromart/postgres/housekeeping'
import { idempotentWrites } from '@micromart/postgres/idempotency'
import { migrate } from '@micromart/postgres/migrations'
import { createOutbox } from '@micromart/postgres/outbox'
import { type OutboxRelay, startOutboxRelay } from '@micromart/postgres/outbox-relay'
import { createTimers, startTimers, type TimerWorker } from '@micromart/postgres/timers'
import { createLogger, type Logger } from '@micromart/telemetry/logger'
import Type from 'typebox'
import { ConfigError, type Env, parseConfig } from './config.ts'
import { consume } from './consume.ts'
import { replayHandler } from './dead-letter-replay.ts'
import { type Machine, realMachine } from './machine.ts'
import { type AnyServiceDefinition, type BuiltService, CommonConfig } from './service.ts'
import { startPatiently } from './start-patiently.ts'

export interface RunOptions {
  readonly environment: Env
  /** Shared by all services in one process; otherwise made from BROKER_URL. The one who passes it closes it. */
  readonly broker: Broker
  readonly clock?: Clock
  readonly ids?: Ids
  readonly log?: Logger
  readonly machine?: Machine
  /** Aborted when the service is told to end: a start that waits for its store gives up then. */
  readonly leaving?: AbortSignal
  /** Called each time that a start has to wait for its store. */
  readonly onWaiting?: () => void
}

export interface RunningService {
  readonly name: string
  /** HTTP base address. */
  readonly url: string
  readonly grpcUrl: string | undefined
  /** Tells callers to go elsewhere and goes on answering them for DRAIN_MS. */
  drain(): Promise<void>
  /** Stops taking work, finishes what runs, then closes what it stood on, in that order. */
  close(): Promise<void>
}

const BATCH_SIZE = 100
/** Above the server's own limit for a statement. */
const MIGRATION_MS = 35_000
const HOUSEKEEPING_MS = 3_600_000

/**
 * Starts a service: configuration, database and migrations, then workers, then the doors. A store that is away, full or busy is waited for
 * (START_PATIENCE_MS), with closed doors: who finds them closed goes to another instance, who finds them open would get refusals.
 */
export async function runService(definition: AnyServiceDefinition, options: RunOptions): Promise<RunningService> {
  const schema = Type.Object({ ...CommonConfig.properties, ...definition.config.properties })
  const config = parseConfig(schema, options.environment) as CommonConfig & Record<string, unknown>
  if (!parseRegistry(config.DISCOVERY_URL))
    throw new ConfigError([`DISCOVERY_URL is not valid: say consul://agent:port, or static: to register nowhere`])
  const log = options.log ?? createLogger({ service: definition.name, level: config.LOG_LEVEL })
  const clock = options.clock ?? systemClock
  const ids = options.ids ?? uuidV7(clock)
  const machine = options.machine ?? realMachine
  const tryOnce = async () => {
    const database = machine.openDatabase({
      url: config.DATABASE_URL,
      poolSize: config.DATABASE_POOL,
      applicationName: `micromart-${definition.name}`,
      onIdleError: (err) => log.warn({ err }, 'an idle database connection broke'),
    })
    const started = createCloser(() => database.close())
    try {
      return await start({ definition, config, log, clock, ids, machine, database, broker: options.broker, started })
    } catch (error) {
      await started.closeAll().catch((err: unknown) => log.warn({ err }, 'a start that failed could not be undone'))
      throw error
    }
  }
  const { leaving = new AbortController().signal, onWaiting = () => {} } = options
  return startPatiently(tryOnce, { patienceMs: config.START_PATIENCE_MS, clock, log, leaving, onWaiting })
}

interface Starting {
  readonly definition: AnyServiceDefinition
  readonly config: CommonConfig
  readonly log: Logger
  readonly clock: Clock
  readonly ids: Ids
  readonly machine: Machine
  readonly database: Database
  readonly broker: Broker
  readonly started: Closer
}

async function start(starting: Starting): Promise<RunningService> {
  const { definition, config, log, clock, ids, machine, database, started } = starting
  await applyMigrations(starting)
  const leaving = new AbortController()
  let relay: OutboxRelay | undefined
  let worker: TimerWorker | undefined
  const timers = createTimers(() => worker?.wake())
  const discovery = openDiscovery({ log, dnsServers: config.DNS_SERVERS, consulToken: config.DISCOVERY_TOKEN })
  started.add(async () => discovery.close())
  const http = await buildHttp({
    service: definition.name,
    log,
    ids,
    verifyToken: jwksVerifier({ jwksUrls: config.JWKS_URL, clock }),
    leaving: () => leaving.signal.aborted,
    readiness: { database: async () => void (await database.query('SELECT 1')) },
  })
  const built = await definition.build({
    config,
    database,
    outbox: createOutbox({ source: definition.name, ids, clock, wake: () => relay?.wake() }),
    timers,
    write: idempotentWrites({ database, clock }),
    audit: createAuditLog({ clock }),
    clock,
    ids,
    log,
    http,
    grpc: machine.queryClients(config.INTERNAL_TOKEN, discovery),
    openDatabase: machine.openDatabase,
  })
  started.add(async () => built.close?.())
  await http.ready() // compiles every schema in one go: on a busy machine connections that are open meanwhile time out
  relay = startOutboxRelay({ database, clock, log, publish: (messages) => starting.broker.publish(messages) })
  started.add(() => relay?.close())
  worker = await startWorkers(starting, built)
  const { name } = definition
  const { queries } = built
  const doors = { service: name, config, http, queries, ids, log, leaving: leaving.signal }
  const { url, grpcUrl, closers } = await machine.openDoors(doors)
  for (const closer of closers) started.add(closer)
  const registration = register({
    registry: config.DISCOVERY_URL,
    token: config.DISCOVERY_TOKEN,
    offers: offersOf(name, config.SELF_URL, grpcUrl),
    isReady: async () => (await http.inject('/ready')).statusCode === 200,
    log,
  })
  started.add(registration.leave)
  startHousekeeping(starting, built)
  log.info({ url }, 'started')
  const drain = async () => {
    leaving.abort()
    await Promise.all([registration.leave(), new Promise((resolve) => setTimeout(resolve, config.DRAIN_MS))])
  }
  const close = () => {
    leaving.abort()
    return started.closeAll()
  }
  return { name, url, grpcUrl, drain, close }
}

/** What others may look up: HTTP under the service's name, gRPC under that name with `-grpc`, both on the host that others see. */
function offersOf(name: string, selfUrl: string, grpcUrl: string | undefined): readonly Offer[] {
  const { hostname, port, protocol } = new URL(selfUrl)
  const host = hostname.replaceAll(/[[\]]/g, '') // the brackets of IPv6 belong to URLs
  const http = { service: name, host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
  const grpcPort = Number(/:(\d+)$/.exec(grpcUrl ?? '')?.[1])
  return grpcPort ? [http, { ...http, service: `${name}-grpc`, port: grpcPort }] : [http]
}

/** On connections of its own: it may wait for another starter, and a big table takes its time. */
async function applyMigrations({ definition, config, machine }: Starting) {
  const patient = machine.openDatabase({
    url: config.DATABASE_URL,
    poolSize: 2,
    applicationName: `micromart-${definition.name}`,
    answerWithinMs: MIGRATION_MS,
  })
  await migrate(patient, definition.migrations).finally(() => patient.close())
}

async function startWorkers({ definition, database, broker, clock, ids, log, started }: Starting, built: BuiltService) {
  const handlers = [...(built.timerHandlers ?? [])]
  if (built.subscription) {
    const closing = new AbortController()
    const { subscription } = built
    const handle = consume({
      consumer: definition.name,
      subscription,
      database,
      clock,
      ids,
      log,
      closing: closing.signal,
    })
    handlers.push(replayHandler({ database, handle, clock }))
    const consumer: Consumer = await broker.subscribe(definition.name, { batchSize: BATCH_SIZE }, handle)
    started.add(() => {
      closing.abort()
      return consumer.close()
    })
  }
  const worker = startTimers({ database, handlers, clock, log })
  started.add(() => worker.close())
  return worker
}

function startHousekeeping({ database, clock, log, started }: Starting, built: BuiltService) {
  const keepAll = async () => {
    await keepHouse(database, clock)
    await built.keepHouse?.()
  }
  const timer = setInterval(() => {
    keepAll().catch((err) => log.warn({ err }, 'housekeeping failed; again in an hour'))
  }, HOUSEKEEPING_MS)
  timer.unref()
  started.add(async () => clearInterval(timer))
}

type Closer = ReturnType<typeof createCloser>

/** Closes in the reverse order of starting, each once. One that fails keeps none of the others from closing. */
function createCloser(first: () => Promise<void>) {
  const actions: (() => Promise<unknown> | undefined)[] = [first]
  let closed: Promise<void> | undefined
  const run = async () => {
    const failures: unknown[] = []
    for (const action of actions.toReversed())
      try {
        await action()
      } catch (error) {
        failures.push(error)
      }
    if (failures.length > 0) throw failures[0]
  }
  return {
    add: (action: () => Promise<unknown> | undefined) => void actions.push(action),
    closeAll: () => {
      closed ??= run()
      return closed
    },
  }
}
