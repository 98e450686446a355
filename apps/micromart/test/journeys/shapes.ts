import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { startOneProcess } from '../../src/start/one-process.ts'
import type { RunningShop, StartOptions } from '../../src/start/shop.ts'
import { startSplit } from '../../src/start/split.ts'

/** A way to run the shop; the same journeys pass in each. */
export interface Shape {
  readonly name: string
  start(environment?: Readonly<Record<string, string>>): Promise<RunningShop>
}

export const oneProcess: Shape = {
  name: 'one process',
  start: (environment = {}) => startIn(startOneProcess, environment),
}

/** Each start gets a virtual host of its own. */
export const split: Shape = {
  name: 'split',
  async start(environment = {}) {
    const host = await createVirtualHost()
    if ('unavailable' in host) throw new Error(host.unavailable)
    const shop = await startIn(startSplit, { AMQP_URL: host.url, ...environment })
    return { ...shop, close: () => shop.close().then(() => host.drop()) }
  },
}

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

/** A port with room above it: the split shape takes eight more, and as many again a hundred higher. */
async function freePortRange(): Promise<number> {
  const base = 20_000 + (process.pid % 100) * 220 + Math.floor(Math.random() * 10)
  for (let port = base; ; port += 220) if (await isFree(port)) return port
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
