import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'
import { serviceNames } from '@micromart/service-kit/service'
import { databaseUrls, ensureDatabases } from './databases.ts'
import { gatewayEnvironment, type Installation, serviceEnvironment } from './environment.ts'
import type { RunningShop, StartOptions } from './one-process.ts'
import { checkPortIsFree, portsFrom } from './ports.ts'
import { openSecrets } from './secrets.ts'
import { type Supervised, supervise } from './supervise.ts'

const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672'

export interface RunningSplitShop extends Pick<RunningShop, 'url' | 'databases' | 'installation' | 'broken' | 'close'> {
  readonly processes: Readonly<Record<string, Supervised>>
}

/** The same services, a process each, restarted when one dies; they meet at RabbitMQ. */
export async function startSplit(options: StartOptions): Promise<RunningSplitShop> {
  const { dataDir, environment, onProgress } = options
  const ports = portsFrom(options.port)
  for (const port of [ports.gateway, ...Object.values(ports.http)]) await checkPortIsFree(port)
  const secrets = openSecrets(dataDir)
  const given = environment['POSTGRES_URL']
  const postgres = given
    ? { url: given, stop: async () => {}, exited: new Promise<never>(() => {}) }
    : await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), fresh: options.fresh, onProgress })
  await ensureDatabases(postgres.url, secrets)
  onProgress(`Database: ready${given ? ' (POSTGRES_URL)' : ''}`)
  const brokerUrl = environment['AMQP_URL'] ?? DEFAULT_AMQP_URL
  const installation: Installation = {
    ports,
    databases: databaseUrls(postgres.url, secrets),
    secrets,
    brokerUrl,
    given: environment,
  }
  mkdirSync(dataDir, { recursive: true })
  const log = createWriteStream(join(dataDir, 'micromart.log'), { flags: 'a' })
  const start = (name: string, own: Readonly<Record<string, string | undefined>>) =>
    [name, supervise({ name, environment: { ...environment, ...own }, log, onProgress })] as const
  const processes: Record<string, Supervised> = Object.fromEntries([
    ...serviceNames.map((name) => start(name, serviceEnvironment(name, installation))),
    start('gateway', gatewayEnvironment(installation)),
  ])
  await Promise.all(Object.values(processes).map(({ ready }) => ready))
  onProgress(`Services: ${Object.keys(processes).length} processes started, migrations applied`)
  let closing: Promise<void> | undefined
  const close = async () => {
    await processes['gateway']?.close()
    await Promise.all(Object.values(processes).map((child) => child.close()))
    await postgres.stop()
    log.end()
  }
  return {
    url: `http://127.0.0.1:${ports.gateway}`,
    databases: installation.databases,
    installation,
    processes,
    broken: postgres.exited.then(({ code }) => `PostgreSQL has stopped (exit code ${code}).`),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
