import { join } from 'node:path'
import { broadcasts, topology } from '@micromart/contracts/topology'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'
import { gateway } from '@micromart/gateway/main'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { createMemoryBroker } from '@micromart/messaging/memory-broker'
import { type RunningService, runService } from '@micromart/service-kit/run-service'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { createLogger } from '@micromart/telemetry/logger'
import { pino } from 'pino'
import { databaseUrls, ensureDatabases } from './databases.ts'
import { gatewayEnvironment, type Installation, serviceEnvironment } from './environment.ts'
import { checkPortIsFree, freePorts } from './ports.ts'
import { openSecrets } from './secrets.ts'
import { loadService } from './services.ts'
import type { RunningShop, StartOptions } from './shop.ts'

/** The whole shop in this process, on an embedded PostgreSQL under the data directory. */
export async function startOneProcess(options: StartOptions): Promise<RunningShop> {
  await checkPortIsFree(options.port)
  const postgres = await startEmbeddedPostgres({
    dataDir: join(options.dataDir, 'postgres'),
    fresh: options.fresh,
    onProgress: options.onProgress,
  })
  try {
    return await startOn(postgres, options)
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

async function startOn(postgres: EmbeddedPostgres, options: StartOptions): Promise<RunningShop> {
  const { dataDir, environment, onProgress } = options
  const secrets = openSecrets(dataDir)
  await ensureDatabases(postgres.url, secrets)
  onProgress('Database: ready')
  const installation: Installation = {
    ports: [await freePorts(options.port)],
    databases: databaseUrls(postgres.url, secrets),
    secrets,
    brokerUrl: 'memory://',
    given: { DATABASE_POOL: '4', ...environment },
  }
  const broker = createMemoryBroker({ topology, broadcasts })
  const destination = pino.destination({ dest: join(dataDir, 'micromart.log'), mkdir: true, sync: false })
  const level = environment['LOG_LEVEL'] ?? 'info'
  const running = new Map<ServiceName, RunningService>()

  const startService = async (name: ServiceName) => {
    const log = createLogger({ service: name, level, destination })
    const definition = await loadService[name]()
    running.set(
      name,
      await runService(definition, { environment: serviceEnvironment(name, installation), broker, log }),
    )
  }
  const stopService = async (name: ServiceName) => {
    await running.get(name)?.close()
    running.delete(name)
  }

  const stopAll = async () => {
    await Promise.all(serviceNames.map(stopService))
    await broker.close()
    destination.flushSync()
  }
  const openDoor = async () => {
    const started = await Promise.allSettled(serviceNames.map(startService))
    const failed = started.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    onProgress(`Services: ${serviceNames.length + 1} started, migrations applied`)
    return gateway.start({
      environment: gatewayEnvironment(installation),
      log: createLogger({ service: 'gateway', level, destination }),
      clock: systemClock,
      ids: uuidV7(systemClock),
      broker,
    })
  }
  const door = await openDoor().catch(async (error: unknown) => {
    await stopAll() // what has started would go on without a door and a database
    throw error
  })
  let closing: Promise<void> | undefined
  const close = async () => {
    await door.close()
    await stopAll()
    await postgres.stop()
  }
  return {
    url: door.url,
    databases: installation.databases,
    broken: postgres.exited.then(({ code }) => `PostgreSQL has stopped (exit code ${code}).`),
    stopService,
    startService,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
