import type { Shopper } from '../shopper.ts'
import { Failed, purchase } from './purchase.ts'

/** A failed request or an order that was not confirmed. */
export interface Failure {
  readonly at: Date
  readonly what: string
  readonly step: string
  readonly status: number | undefined
  /** Of the problem, or the reason of a cancelled order. */
  readonly code: string | undefined
}

/** What shoppers have met so far. */
export interface Tally {
  readonly requests: number
  readonly purchases: number
  readonly failures: readonly Failure[]
  /** How long each purchase took, in ms, from the first request to the confirmed order. */
  readonly tookMs: readonly number[]
}

export interface Goods {
  readonly shopper: Shopper
  readonly skus: readonly string[]
}

export interface CapacityOptions {
  readonly shoppers: number
  /** For all windows together. */
  readonly seconds: number
  readonly windows: number
  readonly signal: AbortSignal
}

/** As many purchases a second as a few shoppers can make who buy one thing after the other, in each of several windows of time. */
export async function measureCapacity(goods: Goods, { shoppers, seconds, windows, signal }: CapacityOptions) {
  const counter = createCounter(goods)
  const perSecond: number[] = []
  for (let window = 0; window < windows && !signal.aborted; window += 1) {
    const before = counter.tally().purchases
    const startedAt = performance.now()
    const endsAt = startedAt + (seconds / windows) * 1_000
    const shopOn = async () => {
      while (performance.now() < endsAt && !signal.aborted) await counter.buy()
    }
    await Promise.all(Array.from({ length: shoppers }, shopOn))
    perSecond.push((counter.tally().purchases - before) / ((performance.now() - startedAt) / 1_000))
  }
  return { perSecond, tally: counter.tally() }
}

export interface OpenLoad {
  tally(): Tally
  /** No new shoppers; resolves when the last one has left. */
  stop(): Promise<Tally>
}

/** Shoppers who come at a steady rate, whether or not those before them have been served. */
export function startOpenLoad(goods: Goods, perSecond: number, onFailure: (failure: Failure) => void): OpenLoad {
  const counter = createCounter(goods, onFailure)
  const inside = new Set<Promise<void>>()
  const startedAt = performance.now()
  let came = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond)
    for (; came < due; came += 1) {
      const visit = counter.buy().finally(() => inside.delete(visit))
      inside.add(visit)
    }
  }, 10)
  return {
    tally: counter.tally,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(inside)
      return counter.tally()
    },
  }
}

function createCounter({ shopper, skus }: Goods, onFailure: (failure: Failure) => void = () => {}) {
  const tookMs: number[] = []
  const failures: Failure[] = []
  const callsBefore = shopper.calls()
  let turn = 0
  return {
    buy: async () => {
      const startedAt = performance.now()
      try {
        await purchase(shopper, skus, turn++)
        tookMs.push(performance.now() - startedAt)
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        const { message: what, step, status, code } = error
        const failure = { at: new Date(), what, step, status, code }
        failures.push(failure)
        onFailure(failure)
      }
    },
    tally: (): Tally => ({ requests: shopper.calls() - callsBefore, purchases: tookMs.length, failures, tookMs }),
  }
}
