import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { report } from '../verify/report.ts'
import { type Outcome, runCampaign } from './campaign.ts'
import { allFaults } from './faults/all-faults.ts'
import type { RigFault } from './faults/fault.ts'
import { openJournal, type Settings } from './journal.ts'
import { planCampaign } from './plan.ts'
import { openProgress, type Progress } from './progress.ts'
import { htmlReport } from './report/report.ts'
import { CannotRun, type Rig, startRig } from './rig/rig.ts'
import { shapeOf } from './rig/shape.ts'
import { type Summary, summarise } from './summary.ts'

export interface Ending {
  readonly exitCode: number
  /** What `--json` prints. */
  readonly document: object
}

export interface OwnServersOptions {
  readonly dir: string
  readonly settings: Settings
  readonly keepGoing: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly asked: AbortSignal
  /** Says nothing on the way. */
  readonly quiet: boolean
}

/** A whole campaign on servers and processes of its own, from the start of the first to the report. @throws CannotRun */
export async function runOnOwnServers(options: OwnServersOptions): Promise<Ending> {
  const { dir, settings, environment, quiet } = options
  const progress = openProgress(process.stdout, quiet)
  progress.line(
    `Seed ${settings.seed}, ${settings.faults} faults, up to ${settings.atOnce} at once; everything in ${dir}`,
  )
  const rig = await startRig({
    dir,
    instances: settings.instances,
    environment: environmentOf(environment),
    onProgress: (line) => {
      if (!line.includes('starting it again')) progress.line(line) // that is the work here
    },
  })
  rig.noteServers()
  let keep = true
  try {
    const outcome = await campaignOn(rig, options, progress)
    keep = outcome.violations.length > 0 || !outcome.complete
    progress.close()
    return conclude(outcome, options, progress)
  } finally {
    progress.line(keep ? 'Stopping; the databases are kept' : 'Stopping')
    await rig.close(keep)
  }
}

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/micromart/compiled', import.meta.url))

/** A program needs little of its surroundings; compiled code is kept, as a container image would keep it. */
const environmentOf = ({ PATH, HOME }: OwnServersOptions['environment']) => ({ PATH, HOME, NODE_COMPILE_CACHE: CACHE })

async function campaignOn(rig: Rig, options: OwnServersOptions, progress: Progress): Promise<Outcome> {
  const { settings, keepGoing, asked, dir } = options
  const kinds = possibleKinds(rig, settings, progress)
  const { seed, faults, atOnce, instances, rate, verifyEvery } = settings
  const plan = planCampaign({ seed, faults, atOnce, kinds, shape: shapeOf(instances) })
  writeFileSync(join(dir, 'plan.json'), `${JSON.stringify(plan, null, 1)}\n`)
  const journal = openJournal(dir)
  return runCampaign({
    ...{ rig, journal, plan, kinds, seed, rate, verifyEvery, keepGoing, asked },
    onState: progress.state,
    onChecked: (findings) => progress.line(report(findings)),
  })
}

function possibleKinds(rig: Rig, settings: Settings, progress: Progress): readonly RigFault[] {
  const kinds = allFaults.filter(({ name }) => settings.kinds.includes(name))
  const possible = kinds.filter((kind) => {
    const reason = kind.unavailable?.(rig)
    if (reason) progress.line(`SKIPPED: ${kind.name}: ${reason}`)
    return reason === undefined
  })
  if (possible.length === 0) throw new CannotRun('None of the chosen kinds of fault can be done on this machine.')
  return possible
}

function conclude(outcome: Outcome, { dir, settings }: OwnServersOptions, progress: Progress): Ending {
  const content = openJournal(dir).read()
  const summary = summarise(content)
  const page = join(dir, 'report.html')
  writeFileSync(page, htmlReport(settings, content))
  for (const line of linesOf(summary)) progress.line(line)
  progress.line(`Report: ${page}`)
  const violated = outcome.violations.length > 0
  if (violated) progress.line(`VIOLATED. Databases, logs, plan and histories are kept in ${dir}`)
  else if (!outcome.complete) progress.line(`Stopped. Go on with --resume ${dir}`)
  return {
    exitCode: violated ? 1 : outcome.complete ? 0 : 2,
    document: {
      ok: !violated,
      complete: outcome.complete,
      settings,
      ...summary,
      watchRounds: outcome.watchRounds,
      dir,
    },
  }
}

function linesOf({
  kinds,
  faults,
  checkouts,
  recovery,
  never,
  quickEnough,
  violations,
  rateBelow,
  machineLoad,
}: Summary): string[] {
  const rows = kinds.map(
    ({ kind, faults: count, recovery: { p50, p95, p99 }, never: lost }) =>
      `  ${kind.padEnd(27)}${String(count).padStart(6)}  p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms${lost > 0 ? `, never ${lost}` : ''}`,
  )
  const rate = `, so the rate is below ${(rateBelow * 100).toFixed(3)} % per fault (95 % confidence)`
  return [
    ...rows,
    `Recovery    p50 ${recovery.p50} ms, p95 ${recovery.p95} ms, p99 ${recovery.p99} ms, never ${never}: ${quickEnough ? 'quick enough' : 'TOO SLOW'} (p95 5 s, p99 15 s)`,
    `Machine     ${machineLoad} processes wanted each core on average${machineLoad > 1 ? ': TOO BUSY for its recovery times to mean much' : ''}`,
    `Violations  ${violations.length} in ${faults} faults over ${checkouts} checkouts${violations.length === 0 && faults > 0 ? rate : ''}`,
  ]
}
