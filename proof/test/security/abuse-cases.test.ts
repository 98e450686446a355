import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Attack, areas, type Blow } from './abuse-case.ts'
import { attacks } from './catalogue.ts'
import { openScene, type Scene } from './scene.ts'

/** What of an attack the shop did not withstand, or withstood by accident. */
const faultsOf = ({ refusals }: Attack, blows: readonly Blow[]): readonly string[] =>
  blows.flatMap(({ what, won, answer }) => {
    if (won) return [`${what}: it has won (${answer})`]
    const isExpected = refusals.some((refusal) =>
      typeof refusal === 'string' ? refusal === answer : refusal.test(answer),
    )
    return isExpected ? [] : [`${what}: answered ${answer}, not ${refusals.join(' or ')}`]
  })

/** These would be in the way of each other: they use up the machine, or spoil the process for a moment. */
const ALONE: readonly string[] = ['Exhaustion', 'Injection']

describe('abuse cases, through the gateway of a whole shop', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
  })
  after(() => scene?.close())

  for (const area of areas)
    describe(area, { concurrency: ALONE.includes(area) ? 1 : 4 }, () => {
      for (const attack of attacks.filter((one) => one.area === area))
        test(attack.name, async (t) => {
          await t.test('is withstood', () => isWithstood(attack, scene))
          await t.test(`and succeeds against ${attack.control}`, () => succeedsElsewhere(attack, scene))
        })
    })
})

async function isWithstood(attack: Attack, scene: Scene) {
  const blows = await attack.attack(scene, scene)
  assert.ok(blows.length > 0)
  assert.deepEqual(faultsOf(attack, blows), [])
}

/** The negative control: an attack that wins nowhere would say nothing. */
async function succeedsElsewhere(attack: Attack, scene: Scene) {
  const unprotected = await attack.openUnprotected(scene)
  try {
    const blows = await attack.attack(unprotected, scene)
    assert.ok(blows.length > 0)
    assert.deepEqual(
      blows.filter(({ won }) => !won).map(({ what, answer }) => `${what}: ${answer}`),
      [],
    )
  } finally {
    await unprotected.close()
  }
}
