import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortRange } from '@micromart/testkit/free-ports'
import { startOneProcess } from '../src/start/one-process.ts'
import type { RunningShop, StartOptions } from '../src/start/shop.ts'
import { startSplit } from '../src/start/split.ts'

/** A way to run the shop; the same journeys pass in each. */
export interface Shape {
  readonly name: string
  start(environment?: Readonly<Record<string, string>>): Promise<RunningShop>
}

export const oneProcess: Shape = {
  name: 'one process',
  start: (environment = {}) => startIn(startOneProcess, environment),
}

/** Split, on a RabbitMQ that nobody else uses. */
export const splitOn = (amqpUrl: string): Shape => ({
  name: 'split',
  start: (environment = {}) => startIn(startSplit, { AMQP_URL: amqpUrl, ...environment }),
})

async function startIn(
  start: (options: StartOptions) => Promise<RunningShop>,
  environment: Readonly<Record<string, string>>,
): Promise<RunningShop> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-shop-'))
  const port = await freePortRange()
  const { PATH = '', HOME = '' } = process.env
  const shop = await start({
    port,
    dataDir,
    fresh: false,
    environment: { PATH, HOME, LOG_LEVEL: 'warn', ...environment },
    onProgress: () => {},
  })
  return { ...shop, close: () => shop.close().then(() => rm(dataDir, { recursive: true, force: true })) }
}
