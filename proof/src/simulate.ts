import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { bugs } from './planted-bugs/bugs.ts'
import { calmNoise, planOf } from './simulator/plan.ts'
import type { SeedResult } from './simulator/run-seed.ts'
import { shrink, tellStory } from './simulator/story.ts'
import { startWorkers, type Workers } from './simulator/workers.ts'
import { progressLine, wholeNumber } from './terminal.ts'

interface Options {
  readonly seeds: number
  readonly from?: number
  readonly workers: number
  readonly replay: number
  readonly forever: boolean
  readonly story?: number
  readonly bug?: string
  readonly json: boolean
}

const REGRESSIONS = new URL('./simulator/regressions/', import.meta.url)

const program = new Command('simulate')
  .description(
    'Runs the real handlers of all services on simulated stores, broker, network and clock. Each seed is another run: other shoppers, another order of ' +
      'messages, other crashes. The same seed is the same run. Ends with exit code 1 if an invariant is broken.',
  )
  .option('--seeds <n>', 'how many seeds', wholeNumber, 1_000)
  .option('--from <n>', 'the first seed; 1, or with --forever one that depends on the time', wholeNumber)
  .option('--workers <n>', 'how many threads', wholeNumber, availableParallelism())
  .option(
    '--replay <n>',
    'run so many of the seeds a second time and compare the hashes of their traces',
    wholeNumber,
    0,
  )
  .option('--forever', 'go on over new seeds until stopped; what fails is kept as a regression test', false)
  .option('--story <seed>', 'run one seed and tell what happened', wholeNumber)
  .option('--bug <name>', 'with one of the planted bugs in the product: what a failure looks like')
  .option('--json', 'end with one JSON document', false)

const options = program.parse().opts<Options>()
if (options.bug !== undefined && !bugs.some(({ name }) => name === options.bug))
  program.error(`There is no planted bug ${options.bug}; npm run planted-bugs -- --list names them.`)
const from = options.from ?? (options.forever ? Math.floor(Date.now() / 1_000) % 900_000_000 : 1)
const workers = startWorkers(options.workers, options)
try {
  process.exitCode = options.story === undefined ? await runSeeds(workers) : await tell(workers, options.story)
} finally {
  await workers.close()
}

async function runSeeds(pool: Workers): Promise<number> {
  const startedAt = performance.now()
  const progress = progressLine()
  const failed: SeedResult[] = []
  const hashes = new Map<number, string>()
  const sums = { seeds: 0, checkouts: 0, events: 0, simulatedMs: 0 }
  const every = options.replay > 0 ? Math.max(1, Math.floor(options.seeds / options.replay)) : 0
  let next = from
  const isLast = () => !options.forever && next >= from + options.seeds

  const note = async (result: SeedResult) => {
    sums.seeds += 1
    sums.checkouts += result.checkouts
    sums.events += result.events
    sums.simulatedMs += result.simulatedMs
    if (every > 0 && (result.seed - from) % every === 0 && hashes.size < options.replay)
      hashes.set(result.seed, result.hash)
    if (result.violations.length > 0) {
      failed.push(result)
      progress.done(`seed ${result.seed}: ${result.violations[0]}`)
      if (options.forever) await keep(pool, result.seed)
    }
    const seconds = (performance.now() - startedAt) / 1_000
    progress.show(
      `${sums.seeds} seeds, ${sums.checkouts} checkouts, ${failed.length} failed, ${(sums.seeds / seconds).toFixed(0)} seeds/s`,
    )
  }
  const runner = async () => {
    while (!isLast()) await note(await pool.run(planOf(next++)))
  }
  await Promise.all(Array.from({ length: options.workers }, runner))
  const unequal = await replay(pool, hashes)
  const seconds = (performance.now() - startedAt) / 1_000
  progress.done(
    `${sums.seeds} seeds in ${seconds.toFixed(1)} s on ${options.workers} threads: ${sums.checkouts} accepted checkouts, ${sums.events} events, ` +
      `${(sums.simulatedMs / 3_600_000).toFixed(1)} simulated hours; ${failed.length} with a violation` +
      (hashes.size > 0 ? `; ${hashes.size} run again, ${unequal.length} with another trace` : ''),
  )
  const [first] = failed
  if (first) await tell(pool, first.seed)
  if (options.json) {
    const document = {
      ...sums,
      from,
      seconds,
      workers: options.workers,
      failed,
      replayed: hashes.size,
      unequal,
    }
    process.stdout.write(`${JSON.stringify(document)}\n`)
  }
  return failed.length + unequal.length === 0 ? 0 : 1
}

/** @returns the seeds whose second run went another way */
async function replay(pool: Workers, hashes: ReadonlyMap<number, string>): Promise<readonly number[]> {
  const again = [...hashes].map(async ([seed, hash]) => ((await pool.run(planOf(seed))).hash === hash ? [] : [seed]))
  return (await Promise.all(again)).flat()
}

async function tell(pool: Workers, seed: number): Promise<number> {
  const whole = await pool.trace(planOf(seed))
  const failed = whole.violations.length > 0
  const plan = failed ? await shrink(planOf(seed), pool.run) : planOf(seed)
  const { trace, violations } = failed ? await pool.trace(plan) : whole
  const luck =
    JSON.stringify(plan.noise) === JSON.stringify(calmNoise) ? 'no bad luck' : `bad luck ${JSON.stringify(plan.noise)}`
  const lines = [
    `Seed ${seed}, ${plan.shoppers} shoppers, stock ${plan.stock.join(' ')}, ${luck}`,
    ...plan.faults.map((fault) => `  fault: ${JSON.stringify(fault)}`),
    ...tellStory(trace, violations),
    ...(failed ? violations.map((violation) => `VIOLATED ${violation}`) : ['Every invariant holds.']),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return failed ? 1 : 0
}

/** As the plan that is left of it, so that it stays the same run however plans are drawn later. */
async function keep(pool: Workers, seed: number) {
  const plan = await shrink(planOf(seed), pool.run)
  const { violations } = await pool.run(plan)
  const file = new URL(`seed-${seed}.json`, REGRESSIONS)
  await mkdir(REGRESSIONS, { recursive: true })
  await writeFile(file, `${JSON.stringify({ violations, plan }, null, 2)}\n`)
  process.stdout.write(`kept as ${fileURLToPath(file)}\n`)
}
