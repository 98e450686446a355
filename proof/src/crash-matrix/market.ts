import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ports, portsFrom } from '@micromart/cli/start/ports'
import { type ProcessName, type SplitShop, startSplit } from '@micromart/cli/start/split'
import { freePortRange } from '@micromart/testkit/free-ports'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { recordHistory } from '../history.ts'
import { openShopkeeper } from '../shopkeeper.ts'
import { createShopper } from '../shopper.ts'
import { unlimited } from '../unlimited.ts'
import { openBooks } from '../verify/books.ts'
import type { Finding } from '../verify/finding.ts'
import { verify } from '../verify/verify.ts'
import { type Arming, CRASH_DIR, openArming } from './arming.ts'
import { createCustomer, eventually, type Market, type Trail } from './customer.ts'
import { deadLetterProps } from './dead-letters.ts'
import type { Scenario } from './scenarios.ts'

/** A split shop of its own whose processes carry the agent, and people who go shopping in it. */
export interface MarketPlace {
  readonly arming: Arming
  /** Rejects when the shop did not do its part; `trail` tells what was touched, whatever happened. */
  run(scenario: Scenario, trail: Trail): Promise<void>
  /** `kill -9` of a process; it must be there again before long. */
  restart(service: ProcessName): Promise<void>
  /** Resolves when another process than this one answers for the service. */
  isBack(service: ProcessName, pid: number | undefined): Promise<void>
  /** The checker on all books, with what the clients were told. */
  verify(): Promise<readonly Finding[]>
  close(): Promise<void>
}

const AGENT = import.meta.resolve('../crash-agent.ts')
const HOLD_MS = 2_000
/** Longer than any lease: what a killed process had begun is begun again after it. */
const SETTLE_MS = 120_000

/** Short times, so that what people wait for in minutes is over in seconds. */
const TIMES = {
  ORDER_PAYMENT_TIMEOUT_MS: '6000',
  ORDER_STOCK_TIMEOUT_MS: '6000',
  INVENTORY_HOLD_MS: String(HOLD_MS),
  PAYMENT_RECONCILE_MS: '1000',
  SANDBOX_SLOW_MS: '300',
  SANDBOX_LATE_MS: '300',
  // the staff signs in once for the whole matrix
  USER_TOKEN_TTL_S: '86400',
}

export interface MarketOptions {
  /** Servers of this machine: POSTGRES_URL and REDIS_URL, where they are set; others are started. */
  readonly servers: Readonly<Record<string, string>>
  readonly onProgress: (line: string) => void
}

/** Starts recording at once: starting has points too. */
export async function openMarket({ servers, onProgress }: MarketOptions): Promise<MarketPlace> {
  const host = await createVirtualHost()
  if ('unavailable' in host) throw new Error(`The crash matrix needs a real RabbitMQ. ${host.unavailable}`)
  const redis = await startRedisServer()
  if ('unavailable' in redis) throw new Error(`The crash matrix needs a real Redis. ${redis.unavailable}`)
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-matrix-'))
  const arming = openArming(dataDir)
  arming.setRecording(true)
  const port = await freePortRange()
  // biome-ignore lint/style/noProcessEnv: the shop's processes need to find their programs and their home
  const { PATH = '', HOME = '' } = process.env
  const agent = { NODE_OPTIONS: `--import ${AGENT}`, [CRASH_DIR]: dataDir }
  const own = {
    PATH,
    HOME,
    REDIS_URL: redis.url,
    ...servers,
    ...TIMES,
    ...unlimited,
    ...agent,
    LOG_LEVEL: 'warn',
    AMQP_URL: host.url,
  }
  const fresh = servers['POSTGRES_URL'] !== undefined
  const shop = await startSplit({ port, dataDir, fresh, stableMs: 0, onProgress: () => {}, environment: own })
  onProgress(`A shop of its own: ${shop.url}, ${Object.keys(shop.processes).length} processes with the agent`)
  const close = async () => {
    await shop.close()
    await host.drop()
    await redis.kill()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const furnished = await furnish({ shop, dataDir, brokerUrl: host.url, environment: servers })
    return { ...furnished, ...keeper(shop, port), arming, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Furnishing {
  readonly shop: SplitShop
  readonly dataDir: string
  readonly brokerUrl: string
  readonly environment: Readonly<Record<string, string>>
}

/** Plenty of two products, a member of staff, and the checker's view of the databases. */
async function furnish({ shop, dataDir, brokerUrl, environment }: Furnishing) {
  const shopper = createShopper(shop.url)
  const keeper = await openShopkeeper(shopper)
  const plenty = [await keeper.stocked(1_000_000), await keeper.stocked(1_000_000)] as const
  const staffToken = await shopper.signIn('admin@micromart.test', 'micromart-demo')
  await shopper.close()
  const historyFile = join(dataDir, 'history.ndjson')
  const history = recordHistory({ file: historyFile })
  const onAccepted: Market['onAccepted'] = ({ key, cart, orderId, body }) => {
    const call = { op: 'checkout', key, cart, request: '' } as const
    history.begin(history.newProcess(), call)({ type: 'ok', status: 202, orderId, body })
  }
  const props = {
    plenty,
    holdMs: HOLD_MS,
    ...deadLetterProps({ analyticsUrl: shop.databases.analytics, brokerUrl, dataDir, environment }),
    without: async (service: 'inventory', work: () => Promise<void>) => {
      await shop.stopService(service)
      await work().finally(() => shop.startService(service))
    },
  }
  return {
    run: async (scenario: Scenario, trail: Trail) => {
      const customer = createCustomer({ url: shop.url, staffToken, onAccepted }, trail)
      await scenario.run(customer, props).finally(() => customer.close())
    },
    verify: async () => {
      await history.flush()
      const books = openBooks(shop.databases)
      return verify(books, { settleMs: SETTLE_MS, historyFile }).finally(() => books.close())
    },
  }
}

function keeper({ processes }: SplitShop, port: number): Pick<MarketPlace, 'restart' | 'isBack'> {
  const [ports] = portsFrom(port) as readonly [Ports]
  const isBack = async (service: ProcessName, pid: number | undefined) => {
    const url = `http://127.0.0.1:${service === 'gateway' ? ports.gateway : ports.http[service]}/health`
    await eventually(`${service} started again`, async () => {
      const isAnother = processes[service].pid() !== undefined && processes[service].pid() !== pid
      return isAnother && (await isHealthy(url)) ? true : undefined
    })
  }
  return {
    isBack,
    restart: async (service) => {
      const pid = processes[service].pid()
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await isBack(service, pid)
    },
  }
}

const isHealthy = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
