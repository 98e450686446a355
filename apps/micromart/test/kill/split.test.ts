import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { unlimited } from '@micromart/proof/unlimited'
import { freePortRange } from '@micromart/testkit/free-ports'
import { startRabbitMqNode } from '@micromart/testkit/rabbitmq-node'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { processNames, type SplitShop, startSplit } from '../../src/start/split.ts'
import { assertHolds, besiege } from './siege.ts'

const port = await freePortRange()
const rabbitMq = await startRabbitMqNode(port + 109)

describe('kill -9 in the middle of 200 checkouts: split', { skip: skipWithout(rabbitMq) }, () => {
  let shop: SplitShop
  let dataDir: string
  const broker = 'url' in rabbitMq ? rabbitMq : undefined

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'micromart-kill-'))
    const { PATH = '', HOME = '' } = process.env
    const environment = { PATH, HOME, LOG_LEVEL: 'warn', ...unlimited, AMQP_URL: broker?.url }
    shop = await startSplit({ port, dataDir, fresh: false, environment, onProgress: () => {} })
  })
  after(async () => {
    await shop?.close()
    await broker?.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const siegeOf = async (name: string, blow: () => Promise<unknown>) =>
    assertHolds(await besiege({ url: shop.url, dataDir, name, blow }))

  for (const name of processNames)
    test(name, async () => {
      const before = shop.processes[name].restarts()
      await siegeOf(name, async () => {
        process.kill(shop.processes[name].pid() ?? Number.NaN, 'SIGKILL')
      })
      await until(async () => shop.processes[name].restarts() === before + 1, { what: `${name} started again` })
      assert.ok(shop.processes[name].pid())
    })

  test('RabbitMQ', () => siegeOf('rabbitmq', async () => broker?.killAndRestart()))
})
