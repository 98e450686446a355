import { processNames } from '@micromart/cli/start/split'
import type { Place, Reached } from './arming.ts'
import { pause } from './customer.ts'
import type { MarketPlace } from './market.ts'
import { type Scenario, scenarios } from './scenarios.ts'

/** `start` stands for starting the process again. */
export type Way = Scenario | 'start'

/** A point of the matrix and the ways to it. */
export interface KnownPlace extends Place {
  /** The quickest first. The first can be an error: what an earlier scenario has left behind may have got there meanwhile. */
  readonly ways: readonly Way[]
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
  const tookMs = new Map<Way, number>()
  let read = market.arming.reached().length // the very first start makes tables, and no later one does
  const fresh = () => {
    const all = market.arming.reached()
    const reached = all.slice(read).flatMap(placesOf)
    read = all.length
    return reached
  }
  const add = (place: Place, way: Way) => {
    const { ways, count } = places.get(nameOf(place)) ?? { ways: [], count: 0 }
    places.set(nameOf(place), { ...place, ways: [...new Set([...ways, way])], count: count + 1 })
  }
  for (const scenario of scenarios) {
    onProgress(`Recording: ${scenario.name}`)
    const startedAt = Date.now()
    await market.run(scenario, { orderIds: [], complaints: [] })
    tookMs.set(scenario, scenario.alone ? Number.POSITIVE_INFINITY : Date.now() - startedAt)
    await pause(AFTERMATH_MS)
    for (const place of fresh().filter(({ kind }) => kind !== 'start')) add(place, scenario)
  }
  onProgress('Recording: every process is started again')
  for (const name of processNames) await market.restart(name)
  for (const place of fresh().filter(({ kind }) => kind === 'start')) add(place, 'start')
  market.arming.setRecording(false)
  const quickestFirst = (one: Way, other: Way) => (tookMs.get(one) ?? 0) - (tookMs.get(other) ?? 0) || 0
  return [...places.values()]
    .map((place) => ({ ...place, ways: place.ways.toSorted(quickestFirst) }))
    .toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
}

const placesOf = ({ service, point, kinds }: Reached): readonly Place[] =>
  [...new Set(kinds)].map((kind) => ({ service, point, kind }))
