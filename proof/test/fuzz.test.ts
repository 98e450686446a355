import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { complaintsOf, runCampaign } from '../src/fuzz/campaign.ts'
import { inputOf } from '../src/fuzz/fire.ts'
import { targets } from '../src/fuzz/targets.ts'

const faulty = new URL('./faulty-fuzz-targets.ts', import.meta.url).href
const real = new URL('../src/fuzz/targets.ts', import.meta.url).href
const settings = { seed: 1, seconds: 300, workers: 1, hangMs: 300 }

describe('the fuzzer', () => {
  test('finds a crash, a rejection, an endless loop and an answer that never comes, and says by which input', async () => {
    for (const [target, error] of Object.entries({
      crashes: /^TypeError: seven/,
      rejects: /^TypeError: seven/,
      spins: /^hangs for more than 300 ms/,
      'never-answers': /^hangs for more than 300 ms/,
    })) {
      const [tally] = await runCampaign({ ...settings, module: faulty, targets: [target], runs: 150 })
      assert.ok(tally && tally.faults.length > 0, target)
      assert.equal(tally.runs, 150)
      assert.equal(tally.accepted + tally.refused + tally.faults.length, 150, target)
      for (const fault of tally.faults) {
        assert.match(fault.error, error)
        assert.equal(inputOf(numbers, { seed: 1, target, index: fault.index }), '7')
      }
    }
  })

  test('says of a target that only ever refuses that it is not hit; a sound one has no complaint', async () => {
    const tallies = await runCampaign({ ...settings, module: faulty, targets: ['blind', 'sound'], runs: 12_000 })
    assert.deepEqual(complaintsOf(tallies), ['blind: 0 accepted and 6000 refused: it is not hit where it decides'])
  })

  test('the same seed fires the same inputs, another one others', async () => {
    for (const { name, open } of targets) {
      const inputs = async (seed: number) => {
        const opened = await open()
        return [5, 3, 400].map((index) => inputOf(opened, { seed, target: name, index }))
      }
      assert.deepEqual(await inputs(1), await inputs(1), name)
      assert.notDeepEqual(await inputs(1), await inputs(2), name)
    }
  })

  test('nothing that reads what strangers write crashes, hangs or takes what it must not', async () => {
    const tallies = await runCampaign({
      ...settings,
      ...{ module: real, targets: targets.map(({ name }) => name), runs: 5_000 * targets.length, hangMs: 5_000 },
    })
    assert.deepEqual(complaintsOf(tallies), [])
    assert.deepEqual(
      tallies.map(({ runs }) => runs),
      targets.map(() => 5_000),
    )
  })
})

const numbers = {
  input: (random: { between(low: number, high: number): number }) => String(random.between(0, 39)),
  run: () => 'refused' as const,
}
