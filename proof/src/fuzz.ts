import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { complaintsOf, runCampaign, type Tally } from './fuzz/campaign.ts'
import { inputOf, named } from './fuzz/fire.ts'
import { targets } from './fuzz/targets.ts'
import { progressLine, wholeNumber } from './terminal.ts'

interface Options {
  readonly target: readonly string[]
  readonly runs?: number
  readonly seconds?: number
  readonly seed: number
  readonly workers: number
  readonly hangMs: number
  readonly only?: number
  readonly list: boolean
  readonly json: boolean
}

const module = new URL('./fuzz/targets.ts', import.meta.url).href
const names = targets.map(({ name }) => name)

const options = new Command('fuzz')
  .description(
    'Fires made-up and spoilt input at everything that reads what a stranger has written: tokens, headers, addresses, cursors, filters. Ends with exit ' +
      'code 1 on a crash, a hang, or something accepted that must not be. The same seed fires the same inputs.',
  )
  .addOption(new Option('--target <name...>', 'only these').choices(names).default(names, 'all'))
  .option(
    '--runs <n>',
    'how many inputs, all targets together; default 1000000, or without end if there are --seconds',
    wholeNumber,
  )
  .option('--seconds <n>', 'how long', wholeNumber)
  .option('--seed <n>', 'another seed, other inputs', wholeNumber, 1)
  .option('--workers <n>', 'how many threads', atLeastOne, availableParallelism())
  .option('--hang-ms <n>', 'longer than this no input may take', atLeastOne, 2_000)
  .option('--only <index>', 'makes one input of one target again, shows and runs it', wholeNumber)
  .option('--list', 'say which targets there are', false)
  .option('--json', 'end with one JSON document', false)
  .parse()
  .opts<Options>()

process.exitCode = options.list ? list() : options.only === undefined ? await runAll() : await runOne(options.only)

function atLeastOne(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('At least 1.')
  return value
}

function list(): number {
  for (const { name, what } of targets) console.log(`${name.padEnd(12)}${what}`)
  return 0
}

async function runAll(): Promise<number> {
  const progress = progressLine()
  const startedAt = performance.now()
  const tallies = await runCampaign({
    ...{ module, targets: options.target, seed: options.seed, workers: options.workers, hangMs: options.hangMs },
    runs: options.runs ?? (options.seconds === undefined ? 1_000_000 : Number.MAX_SAFE_INTEGER),
    seconds: options.seconds ?? Number.MAX_SAFE_INTEGER,
    onProgress: (so) => progress.show(`${sum(so)} runs, ${perSecond(sum(so), startedAt)}/s`),
  })
  progress.clear()
  for (const { target, runs, accepted, refused, busyMs, faults } of tallies)
    console.log(
      `${target.padEnd(12)}${String(runs).padStart(10)} runs  ${String(accepted).padStart(9)} accepted  ${String(refused).padStart(9)} refused  ` +
        `${faults.length} faults  ${busyMs === 0 ? 0 : Math.round((runs / busyMs) * 1_000)}/s a thread`,
    )
  const complaints = complaintsOf(tallies)
  for (const complaint of complaints) console.log(`FAULT ${complaint}`)
  const seconds = (performance.now() - startedAt) / 1_000
  console.log(
    `${sum(tallies)} runs in ${seconds.toFixed(1)} s (${perSecond(sum(tallies), startedAt)}/s on ${options.workers} threads), seed ${options.seed}: ${complaints.length} faults`,
  )
  if (options.json)
    console.log(JSON.stringify({ runs: sum(tallies), seconds, seed: options.seed, workers: options.workers, tallies }))
  return complaints.length === 0 ? 0 : 1
}

function sum(tallies: readonly Tally[]): number {
  return tallies.reduce((runs, tally) => runs + tally.runs, 0)
}

function perSecond(runs: number, startedAt: number): number {
  return Math.round(runs / ((performance.now() - startedAt) / 1_000))
}

async function runOne(index: number): Promise<number> {
  const [target, ...others] = options.target
  if (target === undefined || others.length > 0) throw new InvalidArgumentError('--only needs one --target')
  const open = await named(targets, target).open()
  const input = inputOf(open, { seed: options.seed, target, index })
  console.log(JSON.stringify(input))
  try {
    console.log(await open.run(input))
    return 0
  } catch (error) {
    console.log(error)
    return 1
  }
}
