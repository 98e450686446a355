import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Distribution, distributionOf } from '../campaign/statistics.ts'
import { openAccount } from '../newcomer.ts'
import type { Random } from '../random.ts'
import type { Shopper } from '../shopper.ts'
import { type Crowd, PASSWORD, type Question, sides } from './questions.ts'
import { type Ranks, rankTest } from './rank-test.ts'

export interface Figure extends Ranks {
  readonly question: string
  readonly known: Distribution
  readonly unknown: Distribution
}

/** The first answers of a connection and of cold code are like no others. */
const WARM_UP = 20

export async function openCrowd(shopper: Shopper, size: number): Promise<Crowd> {
  const owners: string[] = []
  const unproven: string[] = []
  const newcomer = () => ({ email: `${randomUUID()}@example.com`, password: PASSWORD, name: 'Ada' })
  for (let count = 0; count < size; count++) {
    const [owner, other] = [newcomer(), newcomer()]
    await openAccount(shopper.call, owner)
    await shopper.call({ method: 'POST', path: '/api/v1/auth/register', body: other })
    owners.push(owner.email)
    unproven.push(other.email)
  }
  return { owners, unproven }
}

export interface Measuring {
  readonly shopper: Shopper
  readonly crowd: Crowd
  readonly random: Random
  /** How often of each side. */
  readonly times: number
  /** After each answer, so that what the shop does behind it does not slow down the next one. */
  readonly pauseMs: number
}

/**
 * Asks as often of known addresses as of unknown ones, one at a time on one connection. Chance decides which comes next, whatever came before: what
 * the shop does behind an answer differs, and slows down the next one, whichever that is.
 */
export async function measure(question: Question, measuring: Measuring): Promise<Figure> {
  const { shopper, crowd, random, pauseMs } = measuring
  const most = (question.mostOfOne ?? Number.POSITIVE_INFINITY) * crowd.owners.length
  const turns = Math.min(measuring.times, most)
  const order = random.shuffle(Array.from({ length: turns }, () => sides).flat())
  const asked = { known: 0, unknown: 0 }
  const times = { known: [] as number[], unknown: [] as number[] }
  for (const [index, side] of order.entries()) {
    const ask = question[side](crowd, asked[side]++)
    const from = `203.0.${random.between(0, 255)}.${random.between(1, 254)}`
    const startedAt = performance.now()
    const { status, text } = await ask(shopper, from)
    const ms = performance.now() - startedAt
    if (status !== question.statuses[side]) throw new Error(`${question.name}, ${side}: ${status} ${text}`)
    if (index >= WARM_UP) times[side].push(ms)
    await pause(pauseMs)
  }
  return {
    question: question.name,
    ...rankTest(times.known, times.unknown),
    known: distributionOf(times.known),
    unknown: distributionOf(times.unknown),
  }
}
