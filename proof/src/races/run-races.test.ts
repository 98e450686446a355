import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Race } from './race.ts'
import type { RaceShop } from './race-shop.ts'
import { isHeld, type RaceResult, runRace } from './run-races.ts'
import type { Scene } from './scene.ts'
import { table } from './table.ts'
import type { Tally } from './tally.ts'

const words = { name: 'a-race', fault: 'a fault', done: 'something', holds: 'all', rounds: 3 }
const raceOf = (run: (tally: Tally, round: number) => void): Race => ({
  ...words,
  shop: 'any',
  run: async (_scene, tally, round) => run(tally, round),
})
const shopWith = (violations: readonly string[] = []): RaceShop => ({
  scene: {} as Scene, // these races look at nothing
  judge: async () => violations,
  close: async () => {},
})

const without = <T extends RaceResult>(result: T) => ({ ...result, seconds: 0 })

describe('a race', () => {
  test('holds when every round does and the books agree; counts add up, of waits the longest is kept', async () => {
    const race = raceOf((tally, round) => {
      tally.count('sold', 10)
      tally.waited('to the end', [5, 30, 20][round] ?? 0)
      tally.must(true, 'never said')
    })
    const result = await runRace(race, shopWith())
    const expected = { tries: 3, held: 3, counts: { sold: 30 }, longestMs: { 'to the end': 30 }, broken: [] }
    assert.deepEqual(without(result), { name: 'a-race', seconds: 0, ...expected })
    assert.ok(isHeld(result))
  })

  test('does not hold when one round of it breaks something', async () => {
    const race = raceOf((tally, round) => tally.must(round !== 1, `round ${round} sold too much`))
    const result = await runRace(race, shopWith())
    assert.ok('broken' in result && !isHeld(result))
    assert.deepEqual([result.tries, result.held, result.broken], [3, 2, ['round 1 sold too much']])
    assert.match(table([result]), /a-race +3 +2 .*\n +round 1 sold too much/)
  })

  test('does not hold when something never came about', async () => {
    const race = raceOf(() => {
      throw new Error('Not within 60000 ms: an order at its end')
    })
    const result = await runRace(race, shopWith(), 2)
    assert.ok('broken' in result)
    assert.deepEqual([result.tries, result.held, result.broken.length], [2, 0, 2])
  })

  test('does not hold when the books are wrong afterwards, or cannot be read', async () => {
    const wrong = await runRace(
      raceOf(() => {}),
      shopWith(['I1: oversold']),
      1,
    )
    assert.ok('broken' in wrong && !isHeld(wrong))
    assert.deepEqual(wrong.broken, ['I1: oversold'])
    const unreadable = { ...shopWith(), judge: () => Promise.reject(new Error('the database does not run')) }
    assert.ok(
      !isHeld(
        await runRace(
          raceOf(() => {}),
          unreadable,
          1,
        ),
      ),
    )
  })

  test('is skipped, with its reason, where the shop is not ours or has nothing of the kind', async () => {
    const killing: Race = { ...words, shop: 'ours', run: () => Promise.reject(new Error('not to be run')) }
    const result = await runRace(killing, shopWith())
    assert.ok('skipped' in result && isHeld(result))
    const lacking: Race = { ...words, shop: 'any', unavailable: async () => 'no coupons', run: killing.run }
    assert.deepEqual(await runRace(lacking, shopWith()), { name: 'a-race', skipped: 'no coupons' })
    assert.match(table([result]), /a-race +skipped: it needs a shop of its own/)
  })
})
