import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortRange } from '@micromart/testkit/free-ports'
import { dropDatabases } from '../src/start/databases.ts'
import { startOneProcess } from '../src/start/one-process.ts'
import type { RunningShop, StartOptions } from '../src/start/shop.ts'
import { startSplit } from '../src/start/split.ts'

export interface ShopInPlace extends RunningShop {
  readonly dataDir: string
}

/** A way to run the shop; the same journeys pass in each. */
export interface Shape {
  readonly name: string
  start(environment?: Readonly<Record<string, string>>): Promise<ShopInPlace>
}

export const oneProcess: Shape = {
  name: 'one process',
  start: (environment = {}) => startIn(startOneProcess, environment),
}

/** Split, on a RabbitMQ that nobody else uses, and on the PostgreSQL server of `TEST_POSTGRES_URL` if that is set. */
export const splitOn = (amqpUrl: string): Shape => ({
  name: 'split',
  async start(environment = {}) {
    const postgresUrl = process.env['TEST_POSTGRES_URL']
    const given = postgresUrl ? { POSTGRES_URL: postgresUrl } : {}
    const shop = await startIn(startSplit, { AMQP_URL: amqpUrl, ...given, ...environment })
    return { ...shop, close: () => shop.close().then(() => (postgresUrl ? dropDatabases(postgresUrl) : undefined)) }
  },
})

async function startIn(
  start: (options: StartOptions) => Promise<RunningShop>,
  environment: Readonly<Record<string, string>>,
): Promise<ShopInPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-shop-'))
  const port = await freePortRange()
  const { PATH = '', HOME = '' } = process.env
  const shop = await start({
    port,
    dataDir,
    fresh: environment['POSTGRES_URL'] !== undefined,
    environment: { PATH, HOME, LOG_LEVEL: 'warn', ...environment },
    onProgress: () => {},
  })
  return { ...shop, dataDir, close: () => shop.close().then(() => rm(dataDir, { recursive: true, force: true })) }
}
