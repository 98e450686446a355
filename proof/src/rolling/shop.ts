import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseUrls, dropDatabases } from '@micromart/cli/start/databases'
import { loadDemoCatalogue } from '@micromart/cli/start/demo-catalogue'
import { portsFrom } from '@micromart/cli/start/ports'
import { type ProcessName, type SplitShop, startSplit } from '@micromart/cli/start/split'
import type { UnaskedEnd } from '@micromart/cli/start/supervise'
import { openDatabase } from '@micromart/postgres/database'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { openShopkeeper } from '../shopkeeper.ts'
import { createShopper } from '../shopper.ts'
import { unlimited } from '../unlimited.ts'
import { openBooks } from '../verify/books.ts'
import type { Finding } from '../verify/finding.ts'
import { verify } from '../verify/verify.ts'

export interface RollingShop {
  readonly shop: SplitShop
  readonly skus: readonly string[]
  /** What its processes say, where to look when something went wrong. */
  readonly logFile: string
  verify(): Promise<readonly Finding[]>
  /** Ends it and drops its databases and its virtual host; its files stay if asked to. */
  close(options: { keepFiles: boolean }): Promise<void>
}

export interface RollingShopOptions {
  readonly instances: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly program: (name: ProcessName, instance: number) => string
  readonly onProgress: (line: string) => void
  readonly onUnaskedEnd: (end: UnaskedEnd, logFile: string) => void
}

const PLENTY = 10_000_000
const SETTLE_MS = 60_000

/** A split shop of its own on an embedded PostgreSQL (or an empty one at POSTGRES_URL) and in a virtual host of its own, with full shelves. */
export async function openRollingShop(options: RollingShopOptions): Promise<RollingShop> {
  const { POSTGRES_URL: postgresUrl, PATH, HOME } = options.environment
  if (postgresUrl) await refuseUsedServer(postgresUrl)
  const host = await createVirtualHost()
  if ('unavailable' in host) throw new Error(host.unavailable)
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-rolling-'))
  const logFile = join(dataDir, 'micromart.log')
  const clean = async (keepFiles: boolean) => {
    if (postgresUrl) await dropDatabases(postgresUrl)
    await host.drop()
    if (!keepFiles) await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const shop = await startSplit({
      ...options,
      onUnaskedEnd: (end) => options.onUnaskedEnd(end, logFile),
      port: await freePorts(options.instances),
      dataDir,
      fresh: false,
      environment: { PATH, HOME, LOG_LEVEL: 'warn', ...unlimited, POSTGRES_URL: postgresUrl, AMQP_URL: host.url },
    })
    await loadDemoCatalogue({ url: shop.url, onProgress: options.onProgress })
    return {
      shop,
      skus: await fillShelves(shop.url),
      logFile,
      verify: () => verifyBooks(shop),
      close: async ({ keepFiles }) => {
        await shop.close()
        await clean(keepFiles)
      },
    }
  } catch (error) {
    await clean(false)
    throw error
  }
}

/** A shop's databases have fixed names, and these are dropped in the end. */
async function refuseUsedServer(url: string) {
  const admin = openDatabase({ url, poolSize: 1 })
  try {
    const known = Object.values(databaseUrls(url, { of: () => '' })).map((each) => new URL(each).pathname.slice(1))
    const found = await admin.query('SELECT 1 FROM pg_database WHERE datname = ANY ($1)', [known])
    if (found.length > 0)
      throw new Error('POSTGRES_URL names a server with a shop on it. Name an empty one, or leave it out.')
  } finally {
    await admin.close()
  }
}

async function verifyBooks({ databases }: SplitShop): Promise<readonly Finding[]> {
  const books = openBooks(databases)
  try {
    return await verify(books, { settleMs: SETTLE_MS })
  } finally {
    await books.close()
  }
}

async function fillShelves(url: string): Promise<readonly string[]> {
  const shopper = createShopper(url)
  const keeper = await openShopkeeper(shopper)
  const { body } = await keeper.call({ method: 'GET', path: '/api/v1/products?limit=50' })
  const products = body.items as readonly { variants: readonly { sku: string }[] }[]
  const skus = products.flatMap(({ variants }) => variants.map(({ sku }) => sku))
  for (const sku of skus) await keeper.restock(sku, PLENTY)
  await shopper.close()
  return skus
}

const LOWEST = 24_000

/** A gateway port whose companions are all free, below what operating systems give to outgoing connections. */
async function freePorts(instances: number): Promise<number> {
  for (let port = LOWEST + (process.pid % 30) * 200; ; port = port + 200 < 32_000 ? port + 200 : LOWEST) {
    const needed = portsFrom(port, instances).flatMap((each) => [
      each.gateway,
      ...Object.values(each.http),
      ...Object.values(each.grpc),
    ])
    const free = await Promise.all(needed.map(isFree))
    if (!free.includes(false)) return port
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
