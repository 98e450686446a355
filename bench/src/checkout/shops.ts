import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram, startProgram } from '@micromart/proof/program'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import { createShopper, type Shopper } from '@micromart/proof/shopper'
import { unlimited } from '@micromart/proof/unlimited'
import { freePortRange } from '@micromart/testkit/free-ports'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'

export const shapes = ['one-process', 'split'] as const
export type ShapeName = (typeof shapes)[number]

/** A shop under load: its own program, its own data, its own virtual host. */
export interface BenchShop {
  readonly shopper: Shopper
  readonly skus: readonly string[]
  /** Runs the checker on its books. */
  verify(): Promise<boolean>
  close(): Promise<void>
}

const PLENTY = 1_000_000

/** Starts `micromart start` in this shape and fills the shelves of the demo catalogue. */
export async function openBenchShop(shape: ShapeName, shoppers: number): Promise<BenchShop> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-bench-'))
  const port = await freePortRange()
  const host = shape === 'split' ? await virtualHost() : undefined
  const args = ['start', '--port', String(port), '--data', dataDir, ...(host ? ['--split'] : [])]
  const program = startProgram(args, { LOG_LEVEL: 'warn', ...unlimited, ...(host ? { AMQP_URL: host.url } : {}) })
  await program.says('MicroMart is ready')
  const shopper = createShopper(`http://127.0.0.1:${port}`, { connections: shoppers })
  return {
    shopper,
    skus: await fillShelves(shopper),
    verify: async () => (await runProgram(['verify', '--data', dataDir])).code === 0,
    close: async () => {
      await shopper.close()
      await program.kill('SIGTERM')
      await host?.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function virtualHost() {
  const host = await createVirtualHost()
  if ('unavailable' in host) throw new Error(`the split shape cannot be measured: ${host.unavailable}`)
  return host
}

async function fillShelves(shopper: Shopper): Promise<readonly string[]> {
  const keeper = await openShopkeeper(shopper)
  const { body } = await keeper.call({ method: 'GET', path: '/api/v1/products?limit=50' })
  const products = body.items as readonly { variants: readonly { sku: string }[] }[]
  const skus = products.flatMap(({ variants }) => variants.map(({ sku }) => sku))
  for (const sku of skus) await keeper.restock(sku, PLENTY)
  return skus
}
