import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allFaults } from './faults/all-faults.ts'
import { type PlannedFault, planCampaign } from './plan.ts'
import { shapeOf } from './rig/shape.ts'
import { groupBy } from './statistics.ts'

const shape = shapeOf(2)
const planOf = (seed: string, faults = 600, atOnce = 4) =>
  planCampaign({ seed, faults, atOnce, kinds: allFaults, shape })
const kindOf = ({ kind }: PlannedFault) => {
  const found = allFaults.find(({ name }) => name === kind)
  if (!found) throw new Error(`no kind ${kind}`)
  return found
}

describe('the plan of a campaign', () => {
  test('is the same for the same seed, and another for another', () => {
    assert.deepEqual(planOf('a'), planOf('a'))
    assert.notDeepEqual(planOf('a'), planOf('b'))
  })

  test('begins the same way when more faults are asked for, so that it can be made longer', () => {
    assert.deepEqual(planOf('a', 700).slice(0, 600), planOf('a', 600))
  })

  test('has every kind, as often as its cards say', () => {
    const deck = allFaults.reduce((sum, { cards }) => sum + cards, 0)
    const counts = groupBy(planOf('a', deck * 3), ({ kind }) => kind)
    assert.ok(allFaults.length >= 12)
    for (const { name, cards } of allFaults) assert.equal(counts.get(name)?.length, 3 * cards, name)
  })

  test('never hurts one target twice in a wave, and no more than so many at once', () => {
    for (const [, wave] of groupBy(planOf('a'), (fault) => String(fault.wave))) {
      assert.ok(wave.length <= 4)
      const claims = wave.flatMap((fault) => kindOf(fault).claims(fault.target, shape))
      assert.deepEqual(claims.toSorted(), [...new Set(claims)].toSorted(), JSON.stringify(wave))
    }
  })

  test('hits only what there is', () => {
    const targets = new Set([...shape.services, ...shape.instances, ...shape.links, 'postgres', 'rabbitmq', 'redis'])
    for (const { target, kind } of planOf('c')) assert.ok(targets.has(target), `${kind} ${target}`)
  })

  test('numbers its faults from 1, in waves from 1', () => {
    const plan = planOf('a', 50)
    assert.deepEqual(
      plan.map(({ number }) => number),
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
    const waves = plan.map(({ wave }) => wave)
    assert.equal(waves[0], 1)
    for (const [index, wave] of waves.entries()) assert.ok(wave - (waves[index - 1] ?? wave) <= 1)
  })
})
