import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type ProcessName, processNames } from '@micromart/cli/start/split'
import { type CrashPoint, crashPoints } from '@micromart/telemetry/crash-points'
import { Command, Option } from 'commander'
import { type Fault, faults } from './crash-matrix/arming.ts'
import { type MarketPlace, openMarket } from './crash-matrix/market.ts'
import { runMatrix } from './crash-matrix/matrix.ts'
import { type KnownPlace, nameOf, recordPlaces } from './crash-matrix/record.ts'
import { markdownReport, textReport } from './crash-matrix/report.ts'
import { summarise } from './crash-matrix/summary.ts'

interface Options {
  readonly only?: readonly ProcessName[]
  readonly point?: readonly CrashPoint[]
  readonly kind?: string
  readonly fault: readonly Fault[]
  readonly list?: true
  readonly report?: string
  readonly json?: true
}

await new Command('crash-matrix')
  .description(
    'kill -9, an error and a hang at every crash point that a real shop reaches; exit code 1 on a violation or a gap',
  )
  .addOption(new Option('--only <service...>', 'only points of these services').choices(processNames))
  .addOption(new Option('--point <point...>', 'only these points').choices(Object.keys(crashPoints)))
  .option('--kind <text>', 'only work whose name contains this, such as timer:capture')
  .addOption(new Option('--fault <fault...>', 'which faults').choices(faults).default([...faults], 'all three'))
  .option('--list', 'run every scenario once and list the points that were reached, without a fault')
  .option('--report <file>', 'write the table as Markdown, too')
  .option('--json', 'print one JSON document on the last line')
  .addHelpText(
    'after',
    '\nNeeds RabbitMQ (AMQP_URL, and rabbitmqctl for a virtual host of its own). PostgreSQL is the embedded one, or the server at POSTGRES_URL,\nwhose MicroMart databases are thrown away. Redis is started, unless REDIS_URL names one. Ctrl-C stops in order.',
  )
  .action(async (options: Options) => {
    try {
      process.exitCode = await run(options)
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
      process.exitCode = 1
    }
  })
  .parseAsync()

async function run(options: Options): Promise<number> {
  const startedAt = Date.now()
  const say = (line: string) => console.log(`${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`)
  // biome-ignore lint/style/noProcessEnv: this is the program: it reads which servers to use
  const { POSTGRES_URL, REDIS_URL } = process.env
  const servers = { ...(POSTGRES_URL ? { POSTGRES_URL } : {}), ...(REDIS_URL ? { REDIS_URL } : {}) }
  const market = await openMarket({ servers, onProgress: say })
  closeWhenAsked(market)
  try {
    const all = await recordPlaces(market, say)
    const places = all.filter((place) => isWanted(place, options))
    say(`${all.length} points reached, ${places.length} chosen`)
    if (options.list) return list(places, options)
    const result = await runMatrix(market, { places, faults: options.fault, onProgress: say })
    const summary = summarise(result)
    const machine = {
      cores: availableParallelism(),
      node: process.version,
      date: new Date().toISOString().slice(0, 10),
      minutes: (Date.now() - startedAt) / 60_000,
    }
    if (options.report) writeFileSync(options.report, markdownReport(result, summary, machine))
    console.log(options.json ? JSON.stringify({ ...machine, summary, ...result }) : textReport(result, summary))
    return summary.ok ? 0 : 1
  } finally {
    await market.close()
  }
}

function isWanted({ service, point, kind }: KnownPlace, options: Options): boolean {
  return (
    (options.only?.some((name) => name === service) ?? true) &&
    (options.point?.includes(point) ?? true) &&
    kind.includes(options.kind ?? '')
  )
}

function list(places: readonly KnownPlace[], { json }: Options): number {
  const shown = places.map(({ ways, ...place }) => ({
    ...place,
    ways: ways.map((way) => (way === 'start' ? way : way.name)),
  }))
  console.log(
    json
      ? JSON.stringify(shown)
      : shown.map((place) => `${nameOf(place)}  (${place.count} times; quickest: ${place.ways[0]})`).join('\n'),
  )
  return places.length > 0 ? 0 : 1
}

/** The processes and the virtual host are not left behind. */
function closeWhenAsked(market: MarketPlace) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      console.error('Stopping the shop')
      void market.close().finally(() => process.exit(1))
    })
}
