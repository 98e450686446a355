import { processNames } from '@micromart/cli/start/split'
import type { Place, Reached } from './arming.ts'
import { pause } from './customer.ts'
import type { MarketPlace } from './market.ts'
import { type Scenario, scenarios } from './scenarios.ts'

/** A point of the matrix and the quickest way to it. */
export interface KnownPlace extends Place {
  /** `start` for what a service does while it starts: the way to it is to start it again. */
  readonly way: Scenario | 'start'
  /** How long that took without a fault. */
  readonly tookMs: number
  /** How often it was reached in the recording run. */
  readonly count: number
}

/** Time for what comes after the end, such as the mark of the last message and a late webhook. */
const AFTERMATH_MS = 800

export const nameOf = ({ service, point, kind }: Place): string => `${service} ${point} ${kind}`

/** Runs every scenario once, one after the other, and collects each point that a service reached. */
export async function recordPlaces(
  market: MarketPlace,
  onProgress: (line: string) => void,
): Promise<readonly KnownPlace[]> {
  const places = new Map<string, KnownPlace>()
  let read = market.arming.reached().length // the very first start makes tables, and no later one does
  const fresh = () => {
    const all = market.arming.reached()
    const places = all.slice(read).flatMap(placesOf)
    read = all.length
    return places
  }
  const add = (place: Place, way: KnownPlace['way'], tookMs: number) => {
    const known = places.get(nameOf(place))
    const best = known && known.tookMs <= tookMs ? known : { way, tookMs }
    places.set(nameOf(place), { ...place, way: best.way, tookMs: best.tookMs, count: (known?.count ?? 0) + 1 })
  }
  for (const scenario of scenarios) {
    onProgress(`Recording: ${scenario.name}`)
    const startedAt = Date.now()
    await market.run(scenario, { orderIds: [], complaints: [] })
    const tookMs = Date.now() - startedAt + (scenario.alone ? 1_000_000 : 0) // only if there is no other way
    await pause(AFTERMATH_MS)
    for (const place of fresh().filter(({ kind }) => kind !== 'start')) add(place, scenario, tookMs)
  }
  onProgress('Recording: every process is started again')
  for (const name of processNames) await market.restart(name)
  for (const place of fresh().filter(({ kind }) => kind === 'start')) add(place, 'start', 0)
  market.arming.setRecording(false)
  return [...places.values()].toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
}

const placesOf = ({ service, point, kinds }: Reached): readonly Place[] =>
  [...new Set(kinds)].map((kind) => ({ service, point, kind }))
