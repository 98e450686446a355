import { fileURLToPath } from 'node:url'
import { instancesOption } from '@micromart/cli/commands/options'
import type { ProcessName } from '@micromart/cli/start/split'
import { Command, InvalidArgumentError } from 'commander'
import type { Crash } from './rolling/failures.ts'
import { lastLines } from './rolling/last-lines.ts'
import { type OldVersion, oldVersion } from './rolling/old-version.ts'
import { isGood, report, summary } from './rolling/report.ts'
import { type RollOptions, roll } from './rolling/roll.ts'
import { openRollingShop } from './rolling/shop.ts'

interface Options extends RollOptions {
  readonly upgrade?: true
  readonly from?: string
  readonly json?: true
}

const THIS_VERSION = fileURLToPath(import.meta.resolve('@micromart/cli/main'))

async function run(options: Options): Promise<boolean> {
  const say = (text: string) => (options.json ? undefined : console.log(text))
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  const old = options.upgrade ? await oldVersion(options.from, say) : undefined
  if (old) say(`Every process begins as ${old.commit} (${old.subject}) and is replaced by this version`)
  const crashes: Promise<Crash>[] = []
  const programs = createPrograms(old)
  const rolling = await openRollingShop({
    instances: options.instances,
    // biome-ignore lint/style/noProcessEnv: the one place of this program that reads it
    environment: process.env,
    program: programs.of,
    onProgress: say,
    onUnaskedEnd: (end, logFile) => {
      const at = new Date()
      crashes.push(lastLines(logFile, end.name).then((lines) => ({ ...end, at, lastLines: lines })))
    },
  })
  let good = false
  try {
    const rolled = await roll(rolling, options, { say, stop: stop.signal, onLoad: programs.renew })
    const result = { ...rolled, crashes: await Promise.all(crashes), from: old }
    good = isGood(result)
    console.log(options.json ? JSON.stringify(summary(result)) : report(result))
    if (!good) say(`What the processes said is in ${rolling.logFile}`)
  } finally {
    await rolling.close({ keepFiles: !good })
  }
  return good
}

/** Which version a process runs: the old one at its first start, this one at every other. */
function createPrograms(old: OldVersion | undefined) {
  let renewed = false
  return {
    of: (_name: ProcessName, _instance: number) => (old && !renewed ? old.program : THIS_VERSION),
    renew: () => {
      renewed = true
    },
  }
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It is a number from 0.')
  return value
}

function positive(text: string): number {
  if (number(text) === 0) throw new InvalidArgumentError('It is a number above 0.')
  return Number(text)
}

function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

await new Command('rolling')
  .description(
    'restart every process of a shop, one after the other and under load; exit code 1 if a single request failed',
  )
  .option('--rounds <n>', 'how often each process is restarted; default 20, with --upgrade 1', atLeastOne)
  .option('--instances <n>', 'processes of each of the nine services', instancesOption, 2)
  .option('--rate <n>', 'purchases a second; default 70 % of the measured capacity', positive)
  .option('--capacity-seconds <n>', 'how long to measure the capacity, in five windows; the median counts', number, 20)
  .option('--pause <seconds>', 'time between two restarts, in which old and new run side by side', number, 1)
  .option('--upgrade', 'begin with an older version and replace it by this one')
  .option('--from <ref>', 'the older version; default the newest one with other tables')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    '\nCtrl-C stops it after the restart that is under way, and it reports what it has seen. It needs RabbitMQ (AMQP_URL); PostgreSQL is embedded unless POSTGRES_URL names an empty one.',
  )
  .action(async (options: Omit<Options, 'rounds'> & { rounds?: number }) => {
    const good = await run({ ...options, rounds: options.rounds ?? (options.upgrade ? 1 : 20) }).catch((error) => {
      console.error(error instanceof Error ? error.message : error)
      return false
    })
    process.exitCode = good ? 0 : 1
  })
  .parseAsync()
