import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { topology } from '@micromart/contracts/topology'
import { startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'
import { checkRabbitMq } from '@micromart/messaging/rabbitmq-check'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { Fault } from '../fault.ts'
import { databaseUrls, dropDatabases, ensureDatabases } from './databases.ts'
import { gatewayEnvironment, type Installation, serviceEnvironment } from './environment.ts'
import { checkPortIsFree, portsFrom } from './ports.ts'
import { openSecrets } from './secrets.ts'
import type { RunningShop, StartOptions } from './shop.ts'
import { type Supervised, supervise, type UnaskedEnd } from './supervise.ts'

const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672'

/** After a kill the processes of the last start may still be finishing their work. */
const PORT_PATIENCE_MS = 5_000

/** So two of each service fit into the hundred connections that a PostgreSQL server has by default; the embedded one has more. */
const POOL_OF_SEVERAL = '3'

export type ProcessName = ServiceName | 'gateway'
export const processNames: readonly ProcessName[] = [...serviceNames, 'gateway']

export interface SplitShop extends RunningShop {
  /** The first instance of each. */
  readonly processes: Readonly<Record<ProcessName, Supervised>>
  readonly instances: Readonly<Record<ProcessName, readonly Supervised[]>>
  /** The addresses of all gateways, the first one's first. */
  readonly urls: readonly string[]
}

export interface SplitOptions extends StartOptions {
  /** Which program a process runs, asked at each of its starts; default this one. */
  readonly program?: (name: ProcessName, instance: number) => string
  readonly onUnaskedEnd?: (end: UnaskedEnd) => void
}

/** The same services, a process each, restarted when one dies; they meet at RabbitMQ. */
export async function startSplit(options: SplitOptions): Promise<SplitShop> {
  const ports = portsFrom(options.port, options.instances)
  for (const { gateway, http, grpc } of ports)
    for (const port of [gateway, ...Object.values(http), ...Object.values(grpc)])
      await checkPortIsFree(port, PORT_PATIENCE_MS)
  const brokerUrl = options.environment['AMQP_URL'] ?? DEFAULT_AMQP_URL
  if (!URL.canParse(brokerUrl)) throw new Fault('AMQP_URL is not a URL such as amqp://user:password@host:5672.')
  await openBroker(brokerUrl, options.fresh)
  const postgres = await openPostgres(options)
  try {
    const secrets = openSecrets(options.dataDir)
    await ensureDatabases(postgres.url, secrets)
    options.onProgress(`Database: ready${postgres.given ? ' (POSTGRES_URL)' : ''}`)
    const databases = databaseUrls(postgres.url, secrets)
    const given =
      postgres.given && ports.length > 1
        ? { DATABASE_POOL: POOL_OF_SEVERAL, ...options.environment }
        : options.environment
    const installation = { ports, databases, secrets, brokerUrl, given }
    return await startProcesses(installation, postgres, options)
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

interface Postgres {
  readonly url: string
  readonly given: boolean
  readonly broken: Promise<string>
  stop(): Promise<void>
}

async function openPostgres({ environment, dataDir, fresh, onProgress }: StartOptions): Promise<Postgres> {
  const url = environment['POSTGRES_URL']
  if (url) {
    if (!URL.canParse(url)) throw new Fault('POSTGRES_URL is not a URL such as postgres://user:password@host:5432.')
    if (fresh) await dropDatabases(url)
    return { url, given: true, broken: new Promise(() => {}), stop: async () => {} }
  }
  const embedded = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), fresh, onProgress })
  const broken = embedded.exited.then(({ code }) => `PostgreSQL has stopped (exit code ${code}).`)
  return { url: embedded.url, given: false, broken, stop: () => embedded.stop() }
}

async function openBroker(url: string, fresh: boolean) {
  const { host } = new URL(url)
  await checkRabbitMq({ url, topology, fresh }).catch((cause: unknown) => {
    throw new Fault(
      `RabbitMQ cannot be used at ${host}: ${cause instanceof Error ? cause.message : String(cause)}. Start it, or name another by AMQP_URL.`,
      { cause },
    )
  })
}

async function startProcesses(
  installation: Installation,
  postgres: Postgres,
  { dataDir, environment, program, onProgress, onUnaskedEnd, stableMs }: SplitOptions,
): Promise<SplitShop> {
  mkdirSync(dataDir, { recursive: true })
  const log = openSync(join(dataDir, 'micromart.log'), 'a')
  const instancesOf = (name: ProcessName) =>
    installation.ports.map((_, instance) => {
      const own =
        name === 'gateway'
          ? gatewayEnvironment(installation, instance)
          : serviceEnvironment(name, installation, instance)
      return supervise({
        name,
        instance,
        program: program && (() => program(name, instance)),
        environment: { ...environment, ...own },
        log,
        onProgress,
        onUnaskedEnd,
        stableMs,
      })
    })
  const instances = byName(instancesOf)
  const each = (names: readonly ProcessName[], action: (process: Supervised) => Promise<void>) =>
    names.flatMap((name) => instances[name].map(action))
  const stopAll = async () => {
    await Promise.all(each(['gateway'], (process) => process.stop()))
    await Promise.all(each(serviceNames, (process) => process.stop()))
    closeSync(log)
  }
  const started = await Promise.allSettled(each(processNames, (process) => process.start()))
  const failed = started.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stopAll()
    throw failed.reason
  }
  onProgress(`Services: ${started.length} processes started, migrations applied`)
  const urls = installation.ports.map(({ gateway }) => `http://127.0.0.1:${gateway}`)
  let closing: Promise<void> | undefined
  return {
    url: urls[0] ?? '',
    urls,
    databases: installation.databases,
    processes: byName((name) => firstOf(instances[name])),
    instances,
    broken: postgres.broken,
    stopService: (name) => Promise.all(each([name], (process) => process.stop())).then(() => {}),
    startService: (name) => Promise.all(each([name], (process) => process.start())).then(() => {}),
    close: () => {
      closing ??= stopAll().then(() => postgres.stop())
      return closing
    },
  }
}

const byName = <T>(make: (name: ProcessName) => T) =>
  Object.fromEntries(processNames.map((name) => [name, make(name)])) as Record<ProcessName, T>

function firstOf([first]: readonly Supervised[]): Supervised {
  if (!first) throw new RangeError('There is no instance')
  return first
}
