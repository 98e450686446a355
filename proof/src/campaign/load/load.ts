import type { HistoryRecorder } from '../../history.ts'
import type { Random } from '../../random.ts'
import type { Shopper } from '../../shopper.ts'
import { type BuyOptions, buy, type Purchase, type Wish } from './purchase.ts'
import type { Staff } from './staff.ts'
import { nextWish } from './wishes.ts'

export interface LoadCounts {
  readonly accepted: number
  readonly confirmed: number
  readonly cancelled: number
  /** Customers who did not see the end of their order in time; the books will tell what became of it. */
  readonly lost: number
  readonly running: number
}

export interface Load {
  counts(): LoadCounts
  /** Lets nobody new in and waits until everybody inside has left. */
  pause(): Promise<void>
  resume(): void
  /** Lets nobody new in, and does not wait for those inside. */
  shut(): void
}

export interface LoadOptions {
  readonly shopper: Shopper
  readonly staff: Staff
  readonly random: Random
  /** Customers a second. */
  readonly rate: number
  readonly history: HistoryRecorder
  /** Something that may not happen, seen from outside. */
  readonly onViolation: (sentence: string) => void
  readonly onTrouble: (error: unknown) => void
}

const SKUS = 12
const PIECES = 400
/** More than so many at once and the next customer stays at home: a shop that stands still must not be flooded afterwards. */
const MOST_INSIDE = 150
const PATIENCE_MS = 120_000
const STAFF_EVERY_MS = 1_000
const RACE_EVERY_MS = 15_000
const RACERS = 6

/** Customers at a steady rate, staff at work, and now and then many who want the last piece. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { staff, random, onTrouble } = options
  const skus = await Promise.all(Array.from({ length: SKUS }, () => staff.stocked(PIECES)))
  const counts = { accepted: 0, confirmed: 0, cancelled: 0, lost: 0 }
  const inside = new Set<Promise<unknown>>()
  let timers: NodeJS.Timeout[] = []

  const how: BuyOptions = {
    shopper: options.shopper,
    history: options.history,
    patienceMs: PATIENCE_MS,
    followMs: PATIENCE_MS,
    onAccepted: () => {
      counts.accepted += 1
    },
  }
  const enter = (visit: () => Promise<unknown>) => {
    const visiting: Promise<unknown> = visit()
      .catch(onTrouble)
      .finally(() => inside.delete(visiting))
    inside.add(visiting)
  }
  const purchase = async (wish: Wish): Promise<Purchase> => {
    const result = await buy(wish, how)
    if (result.status === 'confirmed' || result.status === 'refunded') counts.confirmed += 1
    else if (result.status === 'cancelled') counts.cancelled += 1
    else if (result.orderId) counts.lost += 1
    return result
  }
  const race = async () => {
    const sku = await staff.stocked(1)
    const wish = { skus: [sku], method: 'sandbox:success' }
    const results = await Promise.all(Array.from({ length: RACERS }, () => purchase(wish)))
    const winners = results.filter(({ status }) => status === 'confirmed').length
    if (winners > 1)
      options.onViolation(`${winners} customers were told that they have bought the last piece of ${sku}`)
  }
  const work = async () => {
    if (random.chance(0.8)) return staff.restock(random.pick(skus), random.between(10, 60))
    const problem = await staff.signIn({ withSlip: random.chance(0.3) })
    if (problem) options.onViolation(problem)
  }
  const resume = () => {
    const every = (ms: number, visit: () => Promise<unknown>) =>
      setInterval(() => inside.size < MOST_INSIDE && enter(visit), ms)
    timers = [
      every(1_000 / options.rate, () => purchase(nextWish(random, skus))),
      every(STAFF_EVERY_MS, work),
      every(RACE_EVERY_MS, race),
    ]
  }
  const shut = () => {
    for (const timer of timers) clearInterval(timer)
  }
  resume()
  return {
    counts: () => ({ ...counts, running: inside.size }),
    shut,
    pause: async () => {
      shut()
      while (inside.size > 0) await Promise.all(inside)
    },
    resume,
  }
}
