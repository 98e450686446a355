import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { balancedShopper } from '@micromart/proof/rolling/balancer'
import { startOpenLoad } from '@micromart/proof/rolling/load'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import { unlimited } from '@micromart/proof/unlimited'
import { freePortRange } from '@micromart/testkit/free-ports'
import { startRabbitMqNode } from '@micromart/testkit/rabbitmq-node'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { type ProcessName, type SplitShop, startSplit } from '../../src/start/split.ts'

const port = await freePortRange()
const rabbitMq = await startRabbitMqNode(port + 109)
const restarted: readonly ProcessName[] = ['gateway', 'cart', 'order']

describe('restarts under load, two instances of each', { skip: skipWithout(rabbitMq) }, () => {
  let shop: SplitShop
  let dataDir: string
  const broker = 'url' in rabbitMq ? rabbitMq : undefined

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'micromart-restart-'))
    const { PATH = '', HOME = '' } = process.env
    const environment = { PATH, HOME, LOG_LEVEL: 'warn', ...unlimited, AMQP_URL: broker?.url }
    shop = await startSplit({ port, dataDir, fresh: false, instances: 2, environment, onProgress: () => {} })
  })
  after(async () => {
    await shop?.close()
    await broker?.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  for (const name of restarted)
    test(`${name}: not a single request fails`, async () => {
      const shopper = balancedShopper(shop.urls)
      const keeper = await openShopkeeper(shopper)
      const skus = await Promise.all([1_000, 1_000].map((pieces) => keeper.stocked(pieces)))
      const load = startOpenLoad({ shopper, skus }, 2, () => {})
      for (const process of shop.instances[name]) {
        const { purchases } = load.tally()
        await until(async () => load.tally().purchases > purchases, { what: 'a purchase before the restart' })
        await process.drainAndStop()
        await process.start()
      }
      const { failures, purchases } = await load.stop()
      await shopper.close()
      assert.deepEqual(failures, [])
      assert.ok(purchases > 4, `${purchases} purchases`)
    })
})
