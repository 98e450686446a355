import type { Finding } from '../verify/finding.ts'
import { type Fault, faults } from './arming.ts'
import { pause } from './customer.ts'
import type { MarketPlace } from './market.ts'
import type { Cell, Outcome, Pending } from './outcome.ts'
import { type KnownPlace, nameOf } from './record.ts'
import { strike } from './strike.ts'

/** The books are checked after at most so many cells of one service. */
const MOST_IN_A_ROUND = 45
/** A cell waits so long for the end of the one before on its service: what takes longer, such as a lease, ends beside it. */
const LONGEST_SLOT_MS = 2_000

export interface MatrixOptions {
  readonly places: readonly KnownPlace[]
  readonly faults?: readonly Fault[]
  /** Told of each cell when its fault has happened, and of each check of the books. */
  readonly onProgress: (line: string) => void
}

export interface MatrixResult {
  readonly outcomes: readonly Outcome[]
  /** The last check of the books. */
  readonly findings: readonly Finding[]
  /** What the checks of the books found that names no order of any cell: the doing of some cell in its round. */
  readonly unclaimed: readonly string[]
}

/** Every place with every fault. Services take their cells side by side, one at a time each. */
export async function runMatrix(market: MarketPlace, options: MatrixOptions): Promise<MatrixResult> {
  const { places, onProgress } = options
  const cells = places.flatMap((place) => (options.faults ?? faults).map((fault) => ({ place, fault })))
  const numbered = cells.map((cell, id): Cell => ({ ...cell, id }))
  const outcomes: Outcome[] = []
  const known = new Set<string>()
  const unclaimed: string[] = []
  let findings: readonly Finding[] = []
  let done = 0
  const told = ({ cell, firedAt }: Pending) => {
    done += 1
    onProgress(
      `${done}/${cells.length} ${nameOf(cell.place)} ${cell.fault}${firedAt === undefined ? ': not reached' : ''}`,
    )
  }
  for (const round of roundsOf(numbered)) {
    const lanes = Map.groupBy(round, ({ place }) => place.service)
    const pending = (
      await Promise.all([...lanes.values()].map((lane) => runLane(market, lane, { told, onProgress })))
    ).flat()
    const ends = await Promise.all(pending.map(async (one) => ({ ...one, end: await one.ended })))
    findings = await market.verify()
    const sentences = sentencesOf(findings).filter((sentence) => !known.has(sentence))
    for (const sentence of sentences) known.add(sentence)
    const isAbout = ({ orderIds }: Pending, sentence: string) => orderIds.some((id) => sentence.includes(id))
    unclaimed.push(...sentences.filter((sentence) => !pending.some((one) => isAbout(one, sentence))))
    outcomes.push(
      ...ends.map((one) =>
        outcomeOf(
          one,
          sentences.filter((sentence) => isAbout(one, sentence)),
        ),
      ),
    )
    onProgress(`Books checked: ${sentences.length === 0 ? 'they agree' : sentences.join('\n  ')}`)
  }
  return { outcomes, findings, unclaimed }
}

async function runLane(
  market: MarketPlace,
  cells: readonly Cell[],
  { told, onProgress }: { told: (pending: Pending) => void; onProgress: MatrixOptions['onProgress'] },
): Promise<readonly Pending[]> {
  const pending: Pending[] = []
  for (const cell of cells) {
    const struck = await strike(market, cell)
    told(struck)
    void struck.ended.then(({ complaints }) => {
      for (const complaint of complaints) onProgress(`${nameOf(cell.place)} ${cell.fault}: ${complaint}`)
    })
    pending.push(struck)
    await Promise.race([struck.ended, pause(LONGEST_SLOT_MS)])
  }
  return pending
}

/** Every round has its share of each service's cells; those that need the shop for themselves come last, one a round. */
function roundsOf(cells: readonly Cell[]): readonly (readonly Cell[])[] {
  const isAlone = ({ place: { ways } }: Cell) => ways.every((way) => way !== 'start' && way.alone === true)
  const lanes = [
    ...Map.groupBy(
      cells.filter((cell) => !isAlone(cell)),
      ({ place }) => place.service,
    ).values(),
  ]
  const rounds = Math.ceil(Math.max(0, ...lanes.map((lane) => lane.length)) / MOST_IN_A_ROUND)
  const together = Array.from({ length: rounds }, (_, round) =>
    lanes.flatMap((lane) => lane.slice((round * lane.length) / rounds, ((round + 1) * lane.length) / rounds)),
  )
  return [...together, ...cells.filter(isAlone).map((cell) => [cell])]
}

const sentencesOf = (findings: readonly Finding[]) =>
  findings.flatMap(({ invariant, violations }) => violations.map((sentence) => `${invariant}: ${sentence}`))

function outcomeOf(
  { cell, firedAt, end }: Pending & { end: Awaited<Pending['ended']> },
  fromBooks: readonly string[],
): Outcome {
  const complaints = [...end.complaints, ...fromBooks]
  if (firedAt === undefined) return { cell, verdict: 'not reached', recoveryMs: undefined, complaints }
  return { cell, verdict: complaints.length > 0 ? 'violated' : 'held', recoveryMs: end.at - firedAt, complaints }
}
