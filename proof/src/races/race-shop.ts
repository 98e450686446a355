import { Fault } from '@micromart/cli/fault'
import { openShopkeeper, type StaffAccount } from '../shopkeeper.ts'
import { createShopper } from '../shopper.ts'
import { openOwnShop } from './own-shop.ts'
import { createScene, type OwnScene, type Scene } from './scene.ts'

/** A shop that races are run against. */
export interface RaceShop {
  readonly scene: Scene | OwnScene
  /** What the checker finds wrong in its books and has not told before; empty where they are not ours to read. */
  judge(): Promise<readonly string[]>
  close(): Promise<void>
}

export interface OwnShopOptions {
  readonly split: boolean
  readonly environment: Readonly<Record<string, string>>
}

const CONNECTIONS = 64
const TIMEOUT_MS = 30_000

/** Starts a shop that is there for these races only. */
export async function startShop(options: OwnShopOptions): Promise<RaceShop> {
  const shop = await openOwnShop(options)
  const shopper = createShopper(shop.url, { connections: CONNECTIONS, timeoutMs: TIMEOUT_MS })
  const told = new Set<string>()
  return {
    scene: { ...createScene(shopper, await openShopkeeper(shopper)), own: shop.own },
    judge: async () => {
      const news = (await shop.judge()).filter((violation) => !told.has(violation))
      for (const violation of news) told.add(violation)
      return news
    },
    close: () => shopper.close().then(() => shop.close()),
  }
}

/** Visits a shop that runs; staff are needed to fill its shelves. */
export async function visitShop(url: string, staff: StaffAccount | undefined): Promise<RaceShop> {
  if (!URL.canParse(url)) throw new Fault('--url is not a URL such as http://127.0.0.1:3000.')
  const shopper = createShopper(url, { connections: CONNECTIONS, timeoutMs: TIMEOUT_MS })
  const keeper = await openShopkeeper(shopper, staff).catch(async (cause: unknown) => {
    await shopper.close()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault(
      `The staff cannot work in the shop at ${url}: ${why}. Start it, or set MICROMART_STAFF_EMAIL and MICROMART_STAFF_PASSWORD.`,
      { cause },
    )
  })
  return { scene: createScene(shopper, keeper), judge: async () => [], close: () => shopper.close() }
}
