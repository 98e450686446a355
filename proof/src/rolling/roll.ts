import { availableParallelism } from 'node:os'
import { balancedShopper } from './balancer.ts'
import { failureText, type PlacedFailure } from './failures.ts'
import { type Goods, measureCapacity, startOpenLoad } from './load.ts'
import { type Capacity, medianOf, type RollingResult } from './report.ts'
import { type Restart, rollingRestarts } from './restarts.ts'
import type { RollingShop } from './shop.ts'

export interface RollOptions {
  readonly rounds: number
  readonly instances: number
  /** Purchases a second; default a share of the capacity. */
  readonly rate?: number
  readonly capacitySeconds: number
  /** Seconds between two restarts. */
  readonly pause: number
}

export interface Surroundings {
  readonly say: (text: string) => void
  readonly stop: AbortSignal
  /** The load has begun: from now on processes start as this version. */
  readonly onLoad: () => void
}

export type Rolled = Omit<RollingResult, 'crashes' | 'from'>

const SHARE_OF_CAPACITY = 0.7
const SHOPPERS = 16
const WARM_UP_S = 5
const WINDOWS = 5
const TELL_EVERY_MS = 10_000

/** Measures what the shop can do, then replaces its processes while shoppers come at a part of that, and asks the books. */
export async function roll(rolling: RollingShop, options: RollOptions, surroundings: Surroundings): Promise<Rolled> {
  const { shop, skus, verify } = rolling
  const { say, stop } = surroundings
  const goods: Goods = { shopper: balancedShopper(shop.urls), skus }
  const machine = { cores: availableParallelism(), node: process.version }
  say(`${machine.cores} cores with the load generator on them, Node ${machine.node}, ${options.instances} of each`)
  const capacity = await capacityOf(goods, options.capacitySeconds, stop)
  const rate = options.rate ?? Math.max(1, capacity.median * SHARE_OF_CAPACITY)
  const windows = capacity.windows.map((each) => each.toFixed(1)).join(' ')
  say(`Capacity ${capacity.median.toFixed(1)} purchases/s, the median of ${windows}`)
  say(`Restarting everything at ${rate.toFixed(1)} purchases/s`)
  const restarted = await restartUnderLoad({ ...options, shop, goods, rate }, surroundings)
  await goods.shopper.close()
  if (stop.aborted) say('Stopping: the books are still checked')
  const { instances } = options
  return { machine, instances, capacity, rate, ...restarted, findings: await verify() }
}

interface LoadedRestarts extends RollOptions {
  readonly shop: RollingShop['shop']
  readonly goods: Goods
  readonly rate: number
}

async function restartUnderLoad({ shop, goods, ...options }: LoadedRestarts, { say, stop, onLoad }: Surroundings) {
  const restarts: Restart[] = []
  const failures: PlacedFailure[] = []
  const startedAt = performance.now()
  const load = startOpenLoad(goods, options.rate, (failure) => {
    const placed = { ...failure, during: restarting.now() }
    failures.push(placed)
    say(`  FAILED ${failureText(placed)}`)
  })
  const soFar = () => `${restarts.length} restarts, ${load.tally().requests} requests, ${failures.length} failed`
  const teller = setInterval(() => say(`  ${soFar()}`), TELL_EVERY_MS)
  onLoad()
  let done = 0
  const restarting = rollingRestarts({
    shop,
    rounds: options.rounds,
    pauseMs: options.pause * 1_000,
    signal: stop,
    onRestart: (restart) => restarts.push(restart),
    onRound: (round) => {
      done = round
      say(`Round ${round} of ${options.rounds}: ${soFar()} so far`)
    },
  })
  const broken = await restarting.done.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  clearInterval(teller)
  const tally = await load.stop()
  const endedEarly = broken ?? (stop.aborted ? 'it was told to stop' : undefined)
  const seconds = (performance.now() - startedAt) / 1_000
  return { rounds: { wanted: options.rounds, done }, endedEarly, restarts, failures, tally, seconds }
}

async function capacityOf(goods: Goods, seconds: number, signal: AbortSignal): Promise<Capacity> {
  if (seconds === 0) return { median: 0, windows: [] }
  const load = { shoppers: SHOPPERS, signal }
  await measureCapacity(goods, { ...load, seconds: Math.min(WARM_UP_S, seconds), windows: 1 })
  const { perSecond: windows, tally } = await measureCapacity(goods, { ...load, seconds, windows: WINDOWS })
  const [failure] = tally.failures
  if (failure) throw new Error(`The shop fails without any restart: ${failure.what}`)
  return { median: medianOf(windows), windows }
}
