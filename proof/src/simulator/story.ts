import { calmNoise, type Plan } from './plan.ts'
import type { SeedResult } from './run-seed.ts'
import type { TraceEntry } from './world/trace.ts'

/** Fewer faults, less bad luck, fewer people, as long as the run still fails: what is left is what it takes. */
export async function shrink(plan: Plan, run: (plan: Plan) => Promise<SeedResult>): Promise<Plan> {
  const stillFails = async (smaller: Plan) => (await run(smaller)).violations.length > 0
  let smallest = plan
  for (let goOn = true; goOn; ) {
    goOn = false
    for (const smaller of smallerPlans(smallest)) {
      if (!(await stillFails(smaller))) continue
      smallest = smaller
      goOn = true
      break
    }
  }
  return smallest
}

function smallerPlans(plan: Plan): readonly Plan[] {
  const { faults, noise, shoppers, instances } = plan
  return [
    ...faults.map((_, index) => ({ ...plan, faults: faults.toSpliced(index, 1) })),
    ...quieter(noise).map((less) => ({ ...plan, noise: less })),
    ...(Object.keys(instances).length > 0 ? [{ ...plan, instances: {} }] : []),
    ...(shoppers > 1 ? [{ ...plan, shoppers: shoppers - 1 }] : []),
  ]
}

function quieter(noise: Plan['noise']): readonly Plan['noise'][] {
  const { delivered, ...rest } = noise
  const single = Object.entries(rest).filter(([, rate]) => rate > 0)
  const deliveries = Object.entries(delivered).filter(([, rate]) => rate > 0)
  return [
    ...single.map(([name]) => ({ ...noise, [name]: 0 })),
    ...deliveries.map(([name]) => ({ ...noise, delivered: { ...delivered, [name]: 0 } })),
    ...(single.length + deliveries.length > 1 ? [calmNoise] : []),
  ]
}

const MOST_LINES = 60
const UUID_END = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{6}([0-9a-f]{6})/g

/** The events that a person needs: what went wrong, and what became of the orders that the violations name. */
export function tellStory(trace: readonly TraceEntry[], violations: readonly string[]): readonly string[] {
  const startMs = trace[0]?.atMs ?? 0
  const orders = new Set(
    violations.flatMap((violation) => [...violation.matchAll(UUID_END)].map(([, end]) => end ?? '')),
  )
  const matters = ({ who, what }: TraceEntry) =>
    who === 'fault' ||
    who === 'network' ||
    / (is killed|is up|cannot start)|^(is killed|is up|cannot start|loses)/.test(what) ||
    [...orders].some((order) => what.includes(order))
  return trace
    .filter(matters)
    .slice(-MOST_LINES)
    .map(({ atMs, who, what }) => `${((atMs - startMs) / 1_000).toFixed(3).padStart(9)} s  ${who.padEnd(14)} ${what}`)
}
