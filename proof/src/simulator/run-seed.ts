import type { Shopper } from '../shopper.ts'
import { sendClients, shopperIn, skuOf } from './clients.ts'
import { judge } from './judge.ts'
import { calmNoise, type Plan, planOf } from './plan.ts'
import { copyOfServers, type DatabaseServers, emptyServers, type RecordStatement } from './world/servers.ts'
import type { TraceEntry } from './world/trace.ts'
import { createWorld, type Definitions, type World } from './world/world.ts'

export interface SeedResult {
  readonly seed: number
  /** Equal for equal runs. */
  readonly hash: string
  readonly violations: readonly string[]
  readonly events: number
  readonly checkouts: number
  readonly simulatedMs: number
}

export interface Simulator {
  run(plan: Plan): Promise<SeedResult & { readonly trace: readonly TraceEntry[] }>
}

const calmPlan: Plan = { ...planOf(0), faults: [], shoppers: 0, instances: {}, noise: calmNoise }

/** How long after the storm everything must have come to an end by itself. */
const PATIENCE_MS = 120_000

/** Opens a shop once, by its own routes; every run begins with a copy of it. */
export async function createSimulator(definitions: Definitions, record?: RecordStatement): Promise<Simulator> {
  const { servers: template, staffToken } = await openShop(definitions, record)
  return { run: (plan) => runPlan(plan, { definitions, template, staffToken, record }) }
}

async function openShop(
  definitions: Definitions,
  record: RecordStatement | undefined,
): Promise<{ servers: DatabaseServers; staffToken: string }> {
  const world = createWorld(calmPlan, { definitions, servers: ({ schedule }) => emptyServers(schedule, record) })
  startAll(world)
  const work = (async () => {
    await world.schedule.pause(5_000)
    const shopper = shopperIn(world)
    const staffToken = await shopper.signIn('admin@micromart.test', 'micromart-demo')
    for (const index of [0, 1, 2]) await addProduct(shopper, staffToken, index)
    return staffToken
  })()
  const staffToken = await runUntil(world, work).catch((cause: unknown) => {
    const reasons = world.trace.entries
      .filter(({ what }) => what.startsWith('cannot start'))
      .map(({ who, what }) => `${who} ${what}`)
    throw new Error(`The simulated shop does not open: ${[...new Set(reasons)].slice(0, 3).join('; ')}`, { cause })
  })
  return { servers: world.servers, staffToken }
}

async function addProduct(shopper: Shopper, staffToken: string, index: number) {
  const sku = skuOf(index)
  const variants = [{ sku, price: { minor: 1_250 + 333 * index, currency: 'USD' } }]
  const body = { handle: sku.toLowerCase(), title: `Product ${index}`, variants }
  const headers = { authorization: `Bearer ${staffToken}` }
  const answer = await shopper.call({ method: 'POST', path: '/api/v1/products', headers, body })
  if (answer.status !== 201) throw new Error(`no product: ${answer.status} ${answer.text}`)
}

const startAll = (world: World) => {
  for (const node of world.nodes) node.start()
}

/** Lets the world run until the work is done. */
async function runUntil<T>(world: World, work: Promise<T>): Promise<T> {
  let over = false
  const watched = work.finally(() => {
    over = true
  })
  watched.catch(() => {}) // awaited below
  await world.schedule.run(() => over)
  if (!over) throw new Error('Nothing happens any more, and the work is not done')
  return watched
}

async function runPlan(
  plan: Plan,
  {
    definitions,
    template,
    staffToken,
    record,
  }: {
    definitions: Definitions
    template: DatabaseServers
    staffToken: string
    record: RecordStatement | undefined
  },
) {
  const world = createWorld(plan, { definitions, servers: (parts) => copyOfServers(template, { ...parts, record }) })
  const { schedule, trace } = world
  const startedAt = schedule.nowMs
  startAll(world)
  world.storm()
  const clients = sendClients(world, plan, { staffToken })
  const story = async () => {
    await schedule.pause(plan.stormMs)
    world.calm()
    const deadline = schedule.nowMs + PATIENCE_MS
    let violations: readonly string[] = ['nothing was judged']
    let gone = false
    void clients.done.then(() => {
      gone = true
    })
    while (violations.length > 0 && schedule.nowMs < deadline) {
      await schedule.pause(1_000)
      violations = gone ? await judge(world.servers, clients.records) : ['I3: clients still wait for an answer']
    }
    return violations
  }
  const violations = await runUntil(world, story())
  return {
    seed: plan.seed,
    hash: trace.hash(),
    violations,
    events: trace.entries.length,
    checkouts: clients.records.filter(({ op, type }) => op === 'checkout' && type === 'ok').length,
    simulatedMs: schedule.nowMs - startedAt,
    trace: trace.entries,
  }
}
