import { availableParallelism, loadavg } from 'node:os'
import { randomFrom } from '../random.ts'
import { createShopper } from '../shopper.ts'
import type { Finding } from '../verify/finding.ts'
import { type RigFault, Violation } from './faults/fault.ts'
import type { CheckRecord, FaultRecord, Journal } from './journal.ts'
import { judge } from './judge.ts'
import { startLoad } from './load/load.ts'
import { openStaff } from './load/staff.ts'
import type { PlannedFault } from './plan.ts'
import { createProbe } from './probe.ts'
import type { Rig } from './rig/rig.ts'
import { startWatch } from './watch.ts'
import { runWave } from './waves.ts'

/** How far a campaign is, for whoever watches. */
export interface State {
  readonly phase: 'shopping' | 'checking'
  readonly total: number
  readonly records: readonly FaultRecord[]
  readonly active: readonly PlannedFault[]
  readonly accepted: number
  readonly confirmed: number
  readonly violations: readonly string[]
}

export interface CampaignOptions {
  readonly rig: Rig
  readonly journal: Journal
  readonly plan: readonly PlannedFault[]
  readonly kinds: readonly RigFault[]
  readonly seed: string
  /** Customers a second. */
  readonly rate: number
  /** Faults between two whole checks. */
  readonly verifyEvery: number
  /** Goes on after a violation. */
  readonly keepGoing: boolean
  readonly asked: AbortSignal
  readonly onState: (state: State) => void
  readonly onChecked: (findings: readonly Finding[]) => void
}

export interface Outcome {
  readonly violations: readonly string[]
  /** False when it was stopped before the last fault. */
  readonly complete: boolean
  readonly watchRounds: number
}

const SETTLE_MS = 120_000
const STATE_EVERY_MS = 1_000
const CLIENT_TIMEOUT_MS = 4_000
const STAFF_PATIENCE_MS = 120_000

/** Shoppers shop, wave after wave of faults comes, and the books are checked in between and at the end. */
export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { rig, journal, plan, asked } = options
  const before = journal.read()
  const records: FaultRecord[] = [...before.faults]
  const violations: string[] = before.checks.flatMap((check) => check.violations)
  const active = new Set<number>()
  const shopper = createShopper(rig.url, { connections: 200, timeoutMs: CLIENT_TIMEOUT_MS })
  const prober = createShopper(rig.url, { connections: 8, timeoutMs: CLIENT_TIMEOUT_MS })
  const violate = (invariant: string, sentence: string) => {
    violations.push(`${invariant}: ${sentence}`)
    journal.check({
      ...{ at: Date.now(), afterFaults: records.length, invariant, title: 'seen during the run', counts: {} },
      violations: [sentence],
    })
  }

  const staff = await openStaff(shopper, STAFF_PATIENCE_MS)
  const probe = createProbe({ shopper: prober, sku: await staff.stocked(1_000_000), history: journal.history })
  const load = await startLoad({
    shopper,
    staff,
    random: randomFrom(options.seed, `shoppers ${records.length}`),
    rate: options.rate,
    history: journal.history,
    onViolation: (sentence) => violate('I1', sentence),
    onTrouble: journal.trouble,
  })
  const watch = startWatch(rig, ({ invariant, sentence }) => violate(invariant, sentence))
  let phase: State['phase'] = 'shopping'
  const tell = setInterval(() => {
    const { accepted, confirmed, running } = load.counts()
    const machineLoad = Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100
    journal.second({ at: Date.now(), accepted, confirmed, running, faults: active.size, load: machineLoad })
    const now = plan.filter(({ number }) => active.has(number))
    options.onState({ phase, total: plan.length, records, active: now, accepted, confirmed, violations })
  }, STATE_EVERY_MS)

  const check = async () => {
    phase = 'checking'
    await load.pause()
    const findings = await judge({ urls: rig.databases, journal, settleMs: SETTLE_MS })
    for (const finding of findings) journal.check(checkRecord(finding, records.length))
    violations.push(
      ...findings.flatMap(({ invariant, violations: found }) => found.map((one) => `${invariant}: ${one}`)),
    )
    options.onChecked(findings)
    phase = 'shopping'
  }
  const stopped = new Promise<'stopped'>((resolve) => asked.addEventListener('abort', () => resolve('stopped')))
  const mayGoOn = () => !asked.aborted && (options.keepGoing || violations.length === 0)

  try {
    const kinds = new Map(options.kinds.map((kind) => [kind.name, kind]))
    let checkedAt = records.length
    for (const wave of wavesLeft(plan, records)) {
      if (!mayGoOn()) break
      const running = runWave(wave, { rig, kinds, probe, active }).catch((error: unknown) => {
        if (asked.aborted) return []
        if (!(error instanceof Violation)) throw error
        violate('I2', error.message)
        return []
      })
      const done = await Promise.race([running, stopped])
      if (done === 'stopped') break
      for (const record of done) {
        records.push(record)
        journal.fault(record)
      }
      if (records.length - checkedAt < options.verifyEvery || records.length === plan.length) continue
      checkedAt = records.length
      await check()
      load.resume()
    }
    if (!asked.aborted) await check()
    return { violations, complete: records.length >= plan.length, watchRounds: watch.rounds() }
  } finally {
    clearInterval(tell)
    load.shut()
    await watch.close()
  }
}

const checkRecord = ({ invariant, title, counts, violations }: Finding, afterFaults: number): CheckRecord => ({
  at: Date.now(),
  afterFaults,
  invariant,
  title,
  counts,
  violations,
})

/** Whole waves: of one that was interrupted, what is missing. */
function wavesLeft(
  plan: readonly PlannedFault[],
  records: readonly FaultRecord[],
): readonly (readonly PlannedFault[])[] {
  const done = new Set(records.map(({ number }) => number))
  const waves = new Map<number, PlannedFault[]>()
  for (const fault of plan)
    if (!done.has(fault.number)) waves.set(fault.wave, [...(waves.get(fault.wave) ?? []), fault])
  return [...waves.values()]
}
