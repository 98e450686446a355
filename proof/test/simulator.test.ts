import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Plan, planOf } from '../src/simulator/plan.ts'
import { shrink, tellStory } from '../src/simulator/story.ts'
import { startWorkers, type Workers } from '../src/simulator/workers.ts'

const REGRESSIONS = fileURLToPath(new URL('../src/simulator/regressions/', import.meta.url))

describe('the simulator', () => {
  let workers: Workers
  before(() => {
    workers = startWorkers(2)
  })
  after(() => workers.close())

  test('the same seed is the same run, whoever runs it and whatever ran before; another is another', async () => {
    const seeds = [1, 2, 3, 4, 5, 200_306] // in the last one three signatures are checked at once
    const [first, again] = [
      await Promise.all(seeds.map((seed) => workers.run(planOf(seed)))),
      await Promise.all(seeds.toReversed().map((seed) => workers.run(planOf(seed)))),
    ]
    assert.deepEqual(first, again.toReversed())
    assert.equal(new Set(first.map(({ hash }) => hash)).size, seeds.length)
  })

  test('every invariant holds in the first runs, and they have seen work', async () => {
    const results = await Promise.all(Array.from({ length: 60 }, (_, index) => workers.run(planOf(index + 1))))
    assert.deepEqual(
      results.flatMap(({ violations }) => violations),
      [],
    )
    const checkouts = results.reduce((sum, result) => sum + result.checkouts, 0)
    assert.ok(checkouts > 200, `${checkouts} accepted checkouts`)
  })

  const kept = existsSync(REGRESSIONS) ? globSync('*.json', { cwd: REGRESSIONS }) : []
  for (const file of kept)
    test(`what once failed holds: ${basename(file)}`, async () => {
      const { plan } = JSON.parse(readFileSync(`${REGRESSIONS}${file}`, 'utf8')) as { plan: Plan }
      assert.deepEqual((await workers.run(plan)).violations, [])
    })
})

describe('a mistake in the product', () => {
  for (const bug of [
    'outbox-marked-before-confirm',
    'new-key-for-each-try',
    'cart-lock-skipped',
    'inbox-check-dropped',
  ])
    test(`is noticed within 100 runs: ${bug}`, async () => {
      const workers = startWorkers(1, { bug })
      try {
        let found: readonly string[] = []
        for (let seed = 1; seed <= 100 && found.length === 0; seed++)
          found = (await workers.run(planOf(seed))).violations
        assert.ok(found.length > 0)
      } finally {
        await workers.close()
      }
    })

  test('is told as the shortest story that still shows it', async () => {
    const workers = startWorkers(1, { bug: 'no-void-after-cancel' })
    try {
      let seed = 1
      while ((await workers.run(planOf(seed))).violations.length === 0) seed += 1
      const whole = planOf(seed)
      const plan = await shrink(whole, workers.run)
      assert.ok(plan.faults.length <= whole.faults.length && plan.shoppers <= whole.shoppers)
      const { trace, violations } = await workers.trace(plan)
      assert.match(violations.join('\n'), /^I2: /m)
      assert.match(tellStory(trace, violations).join('\n'), /order\.cancelled/)
    } finally {
      await workers.close()
    }
  })
})
