import { availableParallelism } from 'node:os'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { type Bug, bugs } from './planted-bugs/bugs.ts'
import { planOf } from './simulator/plan.ts'
import { startWorkers } from './simulator/workers.ts'
import { progressLine, wholeNumber } from './terminal.ts'

interface Options {
  readonly most: number
  readonly tries: number
  readonly workers: number
  readonly only?: readonly string[]
  readonly list: boolean
  readonly json: boolean
}

const program = new Command('planted-bugs')
  .description(
    'Loads the product with one mistake at a time in the simulator, and counts the seeds until an invariant is broken. A proof that notices no ' +
      'mistake proves nothing. Ends with exit code 1 if one is not caught.',
  )
  .option('--most <n>', 'give up after so many seeds', wholeNumber, 5_000)
  .option('--tries <n>', 'how often each is looked for, on other seeds; the median counts', wholeNumber, 3)
  .option('--workers <n>', 'how many threads', wholeNumber, availableParallelism())
  .option('--only <name...>', 'only these')
  .option('--list', 'tell what the mistakes are', false)
  .option('--json', 'end with one JSON document', false)

const options = program.parse().opts<Options>()
const chosen = bugs.filter(({ name }) => options.only === undefined || options.only.includes(name))
const unknown = options.only?.find((name) => !bugs.some((bug) => bug.name === name))
if (unknown !== undefined) program.error(`There is no planted bug ${unknown}; --list names them.`)
if (options.list) for (const { name, mistake, file } of chosen) console.log(`${name.padEnd(32)} ${mistake} (${file})`)
else process.exitCode = await lookForAll()

/** The first seed, counted from 1, that fails with the bug; undefined when none did. */
interface Try {
  readonly seeds: number | undefined
  /** Planned faults of the runs until then; bad luck is not counted. */
  readonly faults: number
  readonly violation: string
}

async function lookForAll(): Promise<number> {
  const results = []
  for (const bug of chosen) results.push(await lookFor(bug))
  const caught = results.filter(({ medianSeeds }) => medianSeeds !== undefined).length
  console.log(`${caught} of ${results.length} planted bugs caught`)
  if (options.json) console.log(JSON.stringify({ caught, planted: results.length, workers: options.workers, results }))
  return caught === results.length ? 0 : 1
}

async function lookFor(bug: Bug) {
  const tries: Try[] = []
  const workers = startWorkers(options.workers, { bug: bug.name })
  try {
    for (let turn = 0; turn < options.tries; turn++) tries.push(await search(bug, workers, turn * 1_000_000))
  } finally {
    await workers.close()
  }
  const medianSeeds = median(tries.map(({ seeds }) => seeds))
  const medianFaults = median(tries.map(({ seeds, faults }) => (seeds === undefined ? undefined : faults)))
  const invariants = [...new Set(tries.flatMap(({ violation }) => violation.match(/^I\d+/) ?? []))].sort()
  const { name, mistake } = bug
  const verdict =
    medianSeeds === undefined
      ? styleText('red', 'NOT CAUGHT', { stream: process.stdout })
      : `${String(medianSeeds).padStart(5)} seeds ${String(medianFaults).padStart(6)} faults  ${invariants.join(' ')}`
  console.log(`${name.padEnd(32)} ${verdict}`)
  return { name, mistake, medianSeeds, medianFaults, invariants, example: tries[0]?.violation ?? '' }
}

/** Half of the tries or more must have found it. */
function median(numbers: readonly (number | undefined)[]): number | undefined {
  const sorted = numbers.map((number) => number ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  return middle === undefined || middle === Number.POSITIVE_INFINITY ? undefined : middle
}

async function search(bug: Bug, workers: ReturnType<typeof startWorkers>, from: number): Promise<Try> {
  const progress = progressLine()
  let asked = 0
  let found: { seed: number; violation: string } | undefined
  const runner = async () => {
    while (asked < options.most && (found === undefined || from + asked < found.seed)) {
      asked += 1
      const { seed, violations } = await workers.run(planOf(from + asked))
      const [violation] = violations
      if (violation !== undefined && seed < (found?.seed ?? Number.POSITIVE_INFINITY)) found = { seed, violation }
      progress.show(`${bug.name}: ${asked} seeds`)
    }
  }
  await Promise.all(Array.from({ length: options.workers }, runner))
  progress.clear()
  const seeds = found && found.seed - from
  let faults = 0
  for (let seed = 1; seed <= (seeds ?? options.most); seed++) faults += planOf(from + seed).faults.length
  return { seeds, faults, violation: found?.violation ?? '' }
}
