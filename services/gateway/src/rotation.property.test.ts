import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRotation, type Outcome, type Policy, type Rotation } from './rotation.ts'

const policies: readonly Policy[] = ['least-pending', 'round-robin']
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']

/** A rotation, and beside it what was told of each instance, kept in the plainest way: only what forbids that it is chosen. */
interface World {
  nowMs: number
  instances: readonly string[]
  readonly rotation: Rotation<string>
  readonly open: string[]
  /** Who has never failed since it came. */
  fresh: Set<string>
  /** Until when an instance is left out at least. */
  readonly outUntil: Map<string, number>
}

function newWorld(policy: Policy): World {
  const instances = ['a', 'b', 'c']
  const world: Omit<World, 'rotation'> = {
    nowMs: 0,
    instances,
    open: [],
    fresh: new Set(instances),
    outUntil: new Map(),
  }
  return Object.assign(world, { rotation: createRotation({ instances, policy, now: () => world.nowMs }) })
}

type Step = (world: World) => void

const choose = (mayRepeat: boolean): Step =>
  function chooseOne({ rotation, instances, open, fresh, outUntil, nowMs }) {
    const chosen = rotation.choose([], mayRepeat)
    assert.equal(chosen === undefined, instances.length === 0, 'somebody is asked while there is anybody')
    if (chosen === undefined) return
    assert.ok(instances.includes(chosen), `${chosen} is not there any more`)
    if (fresh.size > 0) assert.ok((outUntil.get(chosen) ?? 0) <= nowMs, `${chosen} is left out`)
    open.push(chosen)
  }

const pass = (ms: number): Step =>
  function passTime(world) {
    world.nowMs += ms
  }

const replace = (instances: readonly string[]): Step =>
  function replaceAll(world) {
    world.rotation.replace(instances)
    for (const name of instances) if (!world.instances.includes(name)) world.fresh.add(name)
    world.fresh = new Set(instances.filter((name) => world.fresh.has(name)))
    for (const name of world.outUntil.keys()) if (!instances.includes(name)) world.outUntil.delete(name)
    world.instances = instances
    world.open.length = 0 // what comes of older requests harms nobody; a test of its own shows it
  }

/** The shortest pauses that there are. */
const outMs: Partial<Record<Outcome, number>> = { refused: 1_000, goodbye: 5_000 }

const finish = (which: number, outcome: Outcome): Step =>
  function finishOne({ rotation, open, fresh, outUntil, nowMs }) {
    const [instance] = open.splice(which % Math.max(1, open.length), 1)
    if (!instance) return
    const before = rotation.count().ejected
    rotation.outcome(instance, outcome)
    const isBack = rotation.count().ejected < before
    if (outcome === 'failed') fresh.delete(instance)
    const ms = outMs[outcome]
    if (ms !== undefined) {
      fresh.delete(instance)
      outUntil.set(instance, nowMs + ms)
    }
    if (isBack) outUntil.delete(instance)
  }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.boolean().map(choose) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(20), fc.constantFrom<Outcome>('answered', 'failed', 'refused', 'goodbye', 'unknown'))
      .map(([which, outcome]) => finish(which, outcome)),
  },
  { weight: 2, arbitrary: fc.nat(10_000).map(pass) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...names)).map(replace) },
)

for (const policy of policies)
  test(`nobody who is left out is asked while another is good, somebody is asked while there is anybody: ${policy}`, () => {
    const run = (steps: readonly Step[]) => {
      const world = newWorld(policy)
      for (const each of steps) each(world)
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 100 }), run), { numRuns: 3_000 })
  })

const ROUNDS = 40

/** How many requests each instance got when so many are under way at once. */
function sharesOf(policy: Policy, size: number, atOnce: number): readonly number[] {
  const shares = Array.from({ length: size }, () => 0)
  const rotation = createRotation({ instances: shares.map((_, index) => index), policy })
  for (let round = 0; round < ROUNDS; round += 1) {
    const open = Array.from({ length: atOnce * size }, () => rotation.choose([], true) ?? -1)
    for (const instance of open) {
      shares[instance] = (shares[instance] ?? 0) + 1
      rotation.outcome(instance, 'answered')
    }
  }
  return shares
}

for (const policy of policies)
  test(`shares are even when all are equal, whatever their number: ${policy}`, () => {
    const isEven = (size: number, atOnce: number) => {
      const expected = ROUNDS * atOnce
      // turns are exact; two choices keep everybody near the mean (Azar and others, 1994)
      const slack = policy === 'least-pending' && size > 8 ? expected * 0.5 : 0
      return sharesOf(policy, size, atOnce).every((share) => Math.abs(share - expected) <= slack)
    }
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }), isEven), { numRuns: 60 })
  })
