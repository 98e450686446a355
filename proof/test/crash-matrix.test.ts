import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CrashPoint } from '@micromart/telemetry/crash-points'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { type MarketPlace, openMarket } from '../src/crash-matrix/market.ts'
import { runMatrix } from '../src/crash-matrix/matrix.ts'
import { type KnownPlace, nameOf } from '../src/crash-matrix/record.ts'
import { scenarios } from '../src/crash-matrix/scenarios.ts'
import { summarise } from '../src/crash-matrix/summary.ts'

const way = scenarios.find(({ name }) => name === 'pays by success') ?? 'start'
const placeAt = (service: string, point: CrashPoint, kind: string): KnownPlace => ({
  service,
  point,
  kind,
  ways: [way],
  count: 1,
})

const probe = await createVirtualHost()
if ('url' in probe) await probe.drop()

/** A handful of the cells that `npm run crash-matrix` takes, so that the matrix itself is known to work. */
describe('the crash matrix on a real split shop', { skip: skipWithout(probe) }, () => {
  let market: MarketPlace
  before(async () => {
    market = await openMarket({ servers: {}, onProgress: () => {} })
  })
  after(() => market?.close())

  test('each fault strikes, the work comes to its end, the books agree', async () => {
    const places = [
      placeAt('cart', 'reply.before', 'request:POST /api/v1/carts/:id/checkout'),
      placeAt('order', 'commit.after', 'message:micromart.cart.checked-out.v1'),
      placeAt('inventory', 'acknowledge.before', 'message:micromart.order.placed.v1'),
      placeAt('gateway', 'forward.before', 'request:POST /api/v1/carts/:id/checkout'),
    ]
    const result = await runMatrix(market, { places, onProgress: () => {} })
    assert.deepEqual(
      result.outcomes.map(({ cell, verdict, complaints }) => [nameOf(cell.place), cell.fault, verdict, complaints]),
      result.outcomes.map(({ cell }) => [nameOf(cell.place), cell.fault, 'held', []]),
    )
    const { cells, coverage, checkouts, ok } = summarise(result)
    assert.deepEqual({ cells, coverage, ok }, { cells: 12, coverage: 100, ok: true })
    assert.ok(checkouts >= 12, `${checkouts} checkouts`)
  })

  test('a point that is not reached is a gap, and no success', async () => {
    const places = [placeAt('cart', 'commit.before', 'request:POST /api/v1/nowhere')]
    const result = await runMatrix(market, { places, faults: ['kill'], onProgress: () => {} })
    assert.deepEqual(
      result.outcomes.map(({ verdict }) => verdict),
      ['not reached'],
    )
    assert.deepEqual([summarise(result).coverage, summarise(result).ok], [0, false])
  })
})
