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
import { type Supervised, supervise } from './supervise.ts'

const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672'

/** After a kill the processes of the last start may still be finishing their work. */
const PORT_PATIENCE_MS = 5_000

export type ProcessName = ServiceName | 'gateway'
export const processNames: readonly ProcessName[] = [...serviceNames, 'gateway']

export interface SplitShop extends RunningShop {
  readonly processes: Readonly<Record<ProcessName, Supervised>>
}

/** The same services, a process each, restarted when one dies; they meet at RabbitMQ. */
export async function startSplit(options: StartOptions): Promise<SplitShop> {
  const ports = portsFrom(options.port)
  for (const port of [ports.gateway, ...Object.values(ports.http), ...Object.values(ports.grpc)])
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
    const installation = { ports, databases, secrets, brokerUrl, given: options.environment }
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
  { dataDir, environment, onProgress, stableMs }: StartOptions,
): Promise<SplitShop> {
  mkdirSync(dataDir, { recursive: true })
  const log = openSync(join(dataDir, 'micromart.log'), 'a')
  const startOne = (name: ProcessName) => {
    const own = name === 'gateway' ? gatewayEnvironment(installation) : serviceEnvironment(name, installation)
    return supervise({ name, environment: { ...environment, ...own }, log, onProgress, stableMs })
  }
  const processes = Object.fromEntries(processNames.map((name) => [name, startOne(name)])) as SplitShop['processes']
  const stopAll = async () => {
    await processes.gateway.stop()
    await Promise.all(serviceNames.map((name) => processes[name].stop()))
    closeSync(log)
  }
  const started = await Promise.allSettled(processNames.map((name) => processes[name].start()))
  const failed = started.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stopAll()
    throw failed.reason
  }
  onProgress(`Services: ${processNames.length} processes started, migrations applied`)
  let closing: Promise<void> | undefined
  return {
    url: `http://127.0.0.1:${installation.ports.gateway}`,
    databases: installation.databases,
    processes,
    broken: postgres.broken,
    stopService: (name) => processes[name].stop(),
    startService: (name) => processes[name].start(),
    close: () => {
      closing ??= stopAll().then(() => postgres.stop())
      return closing
    },
  }
}
