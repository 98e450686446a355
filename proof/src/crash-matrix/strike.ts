import type { ProcessName } from '@micromart/cli/start/split'
import { pause, type Trail } from './customer.ts'
import type { MarketPlace } from './market.ts'
import type { Cell, Pending } from './outcome.ts'

/** What stands still is killed after so long, as a liveness probe or an operator would. */
const HANGS_MS = 500
const LOOK_MS = 20
/** For what comes after the end of a scenario, such as the mark of its last message. */
const AFTERMATH_MS = 1_500
const MOST_TRIES = 8

/**
 * Arms one cell and goes its ways, one after the other, until the fault has happened. It returns then: the work that was hit comes to
 * its end while others follow.
 */
export async function strike(market: MarketPlace, cell: Cell): Promise<Pending> {
  const { arming } = market
  const service = cell.place.service as ProcessName
  const trail: Trail = { orderIds: [], complaints: [] }
  const runs: Promise<void>[] = []
  arming.arm({ ...cell.place, cell: cell.id, fault: cell.fault })
  for (let tries = 1; !arming.fired(cell.id) && tries <= MOST_TRIES; tries += 1) {
    const run = attempt(trail, () => goTheWay(market, cell, { tries, trail }))
    runs.push(run)
    await firedOrEnded(market, cell, run)
  }
  arming.disarm(service)
  const fired = arming.fired(cell.id)
  if (fired && cell.fault === 'hang') {
    await pause(HANGS_MS)
    kill(fired.pid)
  }
  if (fired && cell.fault !== 'error') runs.push(attempt(trail, () => market.isBack(service, fired.pid)))
  const ended = Promise.all(runs).then(() => ({ at: Date.now(), complaints: trail.complaints }))
  return { cell, firedAt: fired?.at, orderIds: trail.orderIds, ended }
}

function goTheWay(market: MarketPlace, { place }: Cell, { tries, trail }: { tries: number; trail: Trail }) {
  const way = place.ways[(tries - 1) % place.ways.length] ?? 'start'
  return way === 'start' ? market.restart(place.service as ProcessName) : market.run(way, trail)
}

/** What goes wrong is written down. */
async function attempt(trail: Trail, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    trail.complaints.push(String(error))
  }
}

async function firedOrEnded({ arming }: MarketPlace, cell: Cell, run: Promise<void>): Promise<void> {
  let giveUpAt = Number.POSITIVE_INFINITY
  void run.then(() => {
    giveUpAt = Date.now() + AFTERMATH_MS
  })
  while (!arming.fired(cell.id) && Date.now() < giveUpAt) await pause(LOOK_MS)
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has gone already
  }
}
