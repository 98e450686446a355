import type { Fault } from './fire.ts'
import { openRange } from './range.ts'

export interface CampaignOptions {
  readonly module: string
  readonly targets: readonly string[]
  readonly seed: number
  /** Inputs in all, spread evenly over the targets. */
  readonly runs: number
  /** Seconds in all: slow targets get more of them, quick ones more runs. */
  readonly seconds: number
  readonly workers: number
  readonly hangMs: number
  readonly onProgress?: (tally: readonly Tally[]) => void
}

export interface Tally {
  readonly target: string
  runs: number
  accepted: number
  refused: number
  /** Spent in threads, all together. */
  busyMs: number
  readonly faults: Fault[]
}

/** So long a salvo should take: long against what it costs to send one, short against a minute. */
const SALVO_MS = 250
const FIRST_SALVO = 500
const MOST_FAULTS = 20

/** Fires at the targets by turns until `runs` inputs or `seconds` are over, or one target has more faults than anybody reads. */
export async function runCampaign(options: CampaignOptions): Promise<readonly Tally[]> {
  const share = Math.ceil(options.runs / options.targets.length)
  const tallies = options.targets.map(
    (target): Tally => ({ target, runs: 0, accepted: 0, refused: 0, busyMs: 0, faults: [] }),
  )
  const next = new Map(options.targets.map((target) => [target, 0]))
  const endsAt = performance.now() + options.seconds * 1_000
  const drawn = ({ target }: Tally) => next.get(target) ?? share

  const draw = () => {
    if (performance.now() >= endsAt) return undefined
    const open = tallies.filter((tally) => drawn(tally) < share && tally.faults.length < MOST_FAULTS)
    const [tally] = open.toSorted((one, other) => dues(one, drawn(one)) - dues(other, drawn(other)))
    if (!tally) return undefined
    const from = drawn(tally)
    const to = Math.min(share, from + salvoSize(tally))
    next.set(tally.target, to)
    return { tally, salvo: { target: tally.target, from, to } }
  }
  const shoot = async () => {
    const range = openRange(options)
    try {
      for (let turn = draw(); turn; turn = draw()) {
        const startedAt = performance.now()
        const hits = await range.fire(turn.salvo)
        const { tally, salvo } = turn
        tally.busyMs += performance.now() - startedAt
        tally.runs += salvo.to - salvo.from
        tally.accepted += hits.accepted
        tally.refused += hits.refused
        tally.faults.push(...hits.faults)
        options.onProgress?.(tallies)
      }
    } finally {
      await range.close()
    }
  }
  await Promise.all(Array.from({ length: options.workers }, shoot))
  return tallies
}

/** Runs times seconds: one that is a hundred times slower gets a tenth of the runs and ten times the time, so that none is starved. */
const dues = ({ runs, busyMs }: Tally, drawn: number) => drawn * drawn * (runs === 0 ? 1 : busyMs / runs)

const salvoSize = ({ runs, busyMs }: Tally) =>
  runs === 0 || busyMs === 0 ? FIRST_SALVO : Math.max(FIRST_SALVO, Math.floor((runs / busyMs) * SALVO_MS))

const ENOUGH_TO_TELL = 5_000

/** What is wrong with a campaign: faults, and targets that only ever did one thing, so that the fire missed them. */
export const complaintsOf = (tallies: readonly Tally[]): readonly string[] =>
  tallies.flatMap(({ target, runs, accepted, refused, faults }) => [
    ...faults.map(({ index, error }) => `${target} #${index}: ${error}`),
    ...(runs >= ENOUGH_TO_TELL && (accepted === 0 || refused === 0)
      ? [`${target}: ${accepted} accepted and ${refused} refused: it is not hit where it decides`]
      : []),
  ])
