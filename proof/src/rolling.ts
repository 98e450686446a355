import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { instancesOption } from '@micromart/cli/commands/options'
import type { ProcessName } from '@micromart/cli/start/split'
import { Command, InvalidArgumentError } from 'commander'
import { balancedShopper } from './rolling/balancer.ts'
import { type Goods, measureCapacity, startOpenLoad } from './rolling/load.ts'
import { type OldVersion, oldVersion } from './rolling/old-version.ts'
import { isGood, type RollingResult, report, summary } from './rolling/report.ts'
import { type Restart, rollingRestarts } from './rolling/restarts.ts'
import { openRollingShop, type RollingShop } from './rolling/shop.ts'

interface Options {
  readonly rounds: number
  readonly instances: number
  readonly rate?: number
  readonly capacitySeconds: number
  readonly pause: number
  readonly upgrade?: true
  readonly from?: string
  readonly json?: true
}

const SHARE_OF_CAPACITY = 0.7
const SHOPPERS = 16
const TELL_EVERY_MS = 10_000
const THIS_VERSION = fileURLToPath(import.meta.resolve('@micromart/cli/main'))

async function roll(options: Options): Promise<boolean> {
  const say = (text: string) => (options.json ? undefined : console.log(text))
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  const old = options.upgrade ? await oldVersion(options.from, say) : undefined
  if (old) say(`Every process begins as ${old.commit} (${old.subject}) and is replaced by this version`)
  const crashes: string[] = []
  const programs = createPrograms(old)
  const rolling = await openRollingShop({
    instances: options.instances,
    // biome-ignore lint/style/noProcessEnv: the one place of this program that reads it
    environment: process.env,
    program: programs.of,
    onProgress: (line) => {
      say(line)
      if (/ ended \(/.test(line)) crashes.push(line)
    },
  })
  let good = false
  try {
    const result = { ...(await underLoad(rolling, options, { say, stop: stop.signal, programs })), crashes, from: old }
    good = isGood(result)
    console.log(options.json ? JSON.stringify(summary(result)) : report(result))
    if (!good) say(`What the processes said is in ${rolling.logFile}`)
  } finally {
    await rolling.close({ keepFiles: !good })
  }
  return good && !stop.signal.aborted
}

interface Surroundings {
  readonly say: (text: string) => void
  readonly stop: AbortSignal
  readonly programs: ReturnType<typeof createPrograms>
}

async function underLoad({ shop, skus, verify }: RollingShop, options: Options, { say, stop, programs }: Surroundings) {
  const goods: Goods = { shopper: balancedShopper(shop.urls), skus }
  const machine = { cores: availableParallelism(), node: process.version }
  say(`${machine.cores} cores with the load generator on them, Node ${machine.node}, ${options.instances} of each`)
  const capacity = await capacityOf(goods, options)
  const rate = options.rate ?? Math.max(1, capacity * SHARE_OF_CAPACITY)
  say(`Capacity ${capacity.toFixed(1)} purchases/s; restarting everything at ${rate.toFixed(1)} purchases/s`)
  const restarts: Restart[] = []
  const startedAt = performance.now()
  const load = startOpenLoad(goods, rate, ({ what }) => say(`  FAILED ${what}`))
  const teller = setInterval(() => say(`  ${progress(load.tally(), restarts)}`), TELL_EVERY_MS)
  programs.renew()
  const ended = () => {
    clearInterval(teller)
    return load.stop()
  }
  await rollingRestarts({
    shop,
    rounds: options.rounds,
    pauseMs: options.pause * 1_000,
    signal: stop,
    onRestart: (restart) => restarts.push(restart),
  }).catch(async (error: unknown) => {
    await ended()
    throw error
  })
  const tally = await ended()
  const seconds = (performance.now() - startedAt) / 1_000
  await goods.shopper.close()
  const findings = await verify()
  return { machine, instances: options.instances, capacity, rate, restarts, tally, seconds, findings }
}

async function capacityOf(goods: Goods, { capacitySeconds: seconds }: Options): Promise<number> {
  if (seconds === 0) return 0
  await measureCapacity(goods, { shoppers: SHOPPERS, seconds: Math.min(5, seconds) }) // to warm up
  const { perSecond, tally } = await measureCapacity(goods, { shoppers: SHOPPERS, seconds })
  const [failure] = tally.failures
  if (failure) throw new Error(`The shop fails without any restart: ${failure.what}`)
  return perSecond
}

const progress = (tally: RollingResult['tally'], restarts: readonly Restart[]) =>
  `${restarts.length} restarts (round ${restarts.at(-1)?.round ?? 1}), ${tally.requests} requests, ${tally.failures.length} failed`

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
  .option('--capacity-seconds <n>', 'how long to measure the capacity', number, 15)
  .option('--pause <seconds>', 'time between two restarts, in which old and new run side by side', number, 1)
  .option('--upgrade', 'begin with an older version and replace it by this one')
  .option('--from <ref>', 'the older version; default the newest one with other tables')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    '\nIt needs RabbitMQ (AMQP_URL); PostgreSQL is embedded unless POSTGRES_URL names an empty one.',
  )
  .action(async (options: Omit<Options, 'rounds'> & { rounds?: number }) => {
    const good = await roll({ ...options, rounds: options.rounds ?? (options.upgrade ? 1 : 20) }).catch((error) => {
      console.error(error instanceof Error ? error.message : error)
      return false
    })
    process.exitCode = good ? 0 : 1
  })
  .parseAsync()
