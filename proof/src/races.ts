import { availableParallelism } from 'node:os'
import { explain, Fault } from '@micromart/cli/fault'
import { Command, InvalidArgumentError, Option } from 'commander'
import { races } from './races/catalogue.ts'
import { type RaceShop, startShop, visitShop } from './races/race-shop.ts'
import { isHeld, type RaceResult, runRace } from './races/run-races.ts'
import { settings, settingsFor } from './races/settings.ts'
import { list, progressOf, table } from './races/table.ts'

interface Options {
  readonly only?: readonly string[]
  readonly rounds?: number
  readonly split?: boolean
  readonly url?: string
  readonly list?: true
  readonly json?: true
}

/** Also while it starts: who interrupts then leaves nothing behind either. */
let open: Promise<RaceShop> | undefined
const interrupted = new AbortController()

/** Runs the races that were chosen; those that want the same settings share a shop of ours. */
async function runAll({ only, rounds, split = false, url }: Options): Promise<readonly RaceResult[]> {
  const chosen = races.filter(({ name }) => only?.includes(name) ?? true)
  const results: RaceResult[] = []
  for (const [name, group] of Map.groupBy(chosen, (race) => (url ? 'ordinary' : settingsFor(race)))) {
    console.log(url ? `Visiting ${url}` : `Starting a shop with ${name} settings${split ? ', split' : ''}`)
    open = url ? visitShop(url, staff()) : startShop({ split, environment: settings[name] })
    const shop = await open
    for (const race of group) {
      const result = await runRace(race, shop, rounds)
      interrupted.signal.throwIfAborted() // what was found in a shop that is being left means nothing
      results.push(result)
      console.log(progressOf(result))
    }
    await leave()
  }
  return results
}

async function leave() {
  const opened = open
  open = undefined
  const shop = await opened?.catch(() => undefined) // why it did not open is told by who opened it
  await shop?.close()
}

/** Without credentials it is the demo account of a shop in development. */
function staff() {
  // biome-ignore lint/style/noProcessEnv: credentials have no business on a command line
  const { MICROMART_STAFF_EMAIL: email, MICROMART_STAFF_PASSWORD: password } = process.env
  if (!email && !password) return undefined
  if (email && password) return { email, password }
  throw new Fault('Set both MICROMART_STAFF_EMAIL and MICROMART_STAFF_PASSWORD, or neither for the demo account.')
}

async function main(options: Options): Promise<number> {
  if (options.list) {
    console.log(list(races))
    return 0
  }
  const machine = { cores: availableParallelism(), node: process.version, at: new Date().toISOString() }
  console.log(`${machine.cores} cores with the shoppers on them, Node ${machine.node}, ${machine.at}`)
  const results = await runAll(options)
  const ok = results.every(isHeld)
  console.log(options.json ? JSON.stringify({ ok, ...machine, results }) : `\n${table(results)}`)
  return ok ? 0 : 1
}

function leaveWhenAsked() {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      interrupted.abort()
      void leave().finally(() => process.exit(code))
    })
}

function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 to 9999.')
  return Number(text)
}

await new Command('races')
  .description(
    'faults that were reported of well-known platforms, tried on this shop; exit code 1 if one does not hold',
  )
  .addOption(new Option('--only <name...>', 'which scenarios').choices(races.map(({ name }) => name)))
  .option('--rounds <n>', 'how often each is tried, instead of its own number', atLeastOne)
  .option('--split', 'in the split shape, on the RabbitMQ of this machine (AMQP_URL)')
  .addOption(
    new Option('--url <url>', 'a shop that runs: only what needs neither a kill nor a secret').conflicts('split'),
  )
  .option('--list', 'say what each scenario does and what must hold')
  .option('--json', 'print one JSON document on the last line')
  .addHelpText(
    'after',
    '\nIt starts a shop of its own, on data of its own, and has its books checked after each scenario.\n' +
      'With --url the staff sign in by MICROMART_STAFF_EMAIL and MICROMART_STAFF_PASSWORD; products are added and orders placed.',
  )
  .action(async (options: Options) => {
    leaveWhenAsked()
    try {
      process.exitCode = await main(options)
    } catch (error) {
      if (!interrupted.signal.aborted) console.error(explain(error) ?? error)
      process.exitCode = 1
    } finally {
      await leave()
    }
  })
  .parseAsync()
