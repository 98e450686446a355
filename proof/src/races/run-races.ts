import type { Race } from './race.ts'
import type { RaceShop } from './race-shop.ts'
import type { OwnScene, Scene } from './scene.ts'
import { createTally, type Observed, type Tally } from './tally.ts'

/** What became of one race. */
export type RaceResult = { readonly name: string } & (
  | { readonly skipped: string }
  | (Observed & { readonly tries: number; readonly held: number; readonly seconds: number })
)

/** Runs a race so many times, then has the books checked: a violation there means that the last try did not hold. */
export async function runRace(race: Race, shop: RaceShop, rounds: number = race.rounds): Promise<RaceResult> {
  const { name } = race
  const why = await reasonToSkip(race, shop.scene)
  if (why) return { name, skipped: why }
  const tally = createTally()
  const broken = () => tally.observed().broken.length
  const startedAt = performance.now()
  let held = 0
  for (let round = 0; round < rounds; round += 1) {
    const before = broken()
    await attempt(tally, () => runOnce(race, { scene: shop.scene, tally, round }))
    if (round === rounds - 1) await attempt(tally, () => judge(shop, tally))
    if (broken() === before) held += 1
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  return { name, tries: rounds, held, ...tally.observed(), seconds }
}

const isOwn = (scene: Scene | OwnScene): scene is OwnScene => 'own' in scene

async function reasonToSkip(race: Race, scene: Scene | OwnScene): Promise<string | undefined> {
  if (race.shop === 'any') return race.unavailable?.(scene)
  return isOwn(scene) ? undefined : 'it needs a shop of its own, to kill it or to know its secrets'
}

async function runOnce(race: Race, { scene, tally, round }: { scene: Scene | OwnScene; tally: Tally; round: number }) {
  if (race.shop === 'any') await race.run(scene, tally, round)
  else if (isOwn(scene)) await race.run(scene, tally, round)
}

async function judge(shop: RaceShop, tally: Tally) {
  for (const violation of await shop.judge()) tally.must(false, violation)
}

/** What never came about is as broken as what came out wrong. */
async function attempt(tally: Tally, work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    tally.must(false, error instanceof Error ? error.message : String(error))
  }
}

export const isHeld = (result: RaceResult): boolean => 'skipped' in result || result.held === result.tries
