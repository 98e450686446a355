import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { allFaults } from './campaign/faults/all-faults.ts'
import { readSettings, type Settings, writeSettings } from './campaign/journal.ts'
import { type Ending, runOnOwnServers } from './campaign/on-own-servers.ts'
import { runOnYourShop } from './campaign/on-your-shop.ts'
import { planCampaign } from './campaign/plan.ts'
import { CannotRun } from './campaign/rig/rig.ts'
import { shapeOf } from './campaign/rig/shape.ts'

interface Options {
  readonly faults: number
  readonly seed?: string
  readonly atOnce: number
  readonly rate: number
  readonly instances: number
  readonly kinds: readonly string[]
  readonly verifyEvery: number
  readonly keepGoing?: true
  readonly out?: string
  readonly resume?: string
  readonly plan?: true
  readonly json?: true
  readonly url?: string
  readonly sku?: readonly string[]
  readonly method: string
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

function kindNames(text: string): readonly string[] {
  const names = text.split(',')
  const unknown = names.filter((name) => !allFaults.some((fault) => fault.name === name))
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no fault called ${unknown.join(', ')}.`)
  return names
}

const everyKind = allFaults.map(({ name }) => name)

const listOfKinds = () => allFaults.map(({ name, meaning }) => `  ${name.padEnd(27)}${meaning}`).join('\n')

const command = new Command('campaign')
  .description(
    'Breaks a shop on servers of its own, again and again, while people shop, and checks the books. ' +
      'With --url it shops on yours like the worst of customers and breaks nothing.',
  )
  .option('--faults <n>', 'how many', wholeNumber, 200)
  .option('--seed <text>', 'the same seed gives the same plan; otherwise one is made up and printed')
  .option('--at-once <n>', 'most faults at the same time, on different targets', wholeNumber, 4)
  .option('--rate <n>', 'customers a second', wholeNumber, 8)
  .option('--instances <n>', 'processes of each service', wholeNumber, 2)
  .addOption(
    new Option('--kinds <a,b,...>', 'only these kinds of fault').argParser(kindNames).default(everyKind, 'all'),
  )
  .option('--verify-every <n>', 'faults between two checks of all books', wholeNumber, 500)
  .option('--keep-going', 'do not stop at the first violation')
  .option('--out <dir>', 'where everything is written; by default .data/campaign-<seed>')
  .option('--resume <dir>', 'go on with the campaign of this directory')
  .option('--plan', 'print the plan and do nothing')
  .option('--json', 'print nothing but one JSON document')
  .option('--url <url>', 'your own shop instead; --faults are then bad customers')
  .option('--sku <sku...>', 'with --url: what may be bought; by default what the shop lists')
  .option('--method <name>', 'with --url: how is paid', 'sandbox:success')
  .addHelpText(
    'after',
    `
Exit code: 0 all held, 1 an invariant was violated, 2 it could not run or was stopped.
With --url the books are checked too where they are named by CART_DATABASE_URL, ORDER_DATABASE_URL, ... (as for micromart verify).

Kinds of fault:
${listOfKinds()}`,
  )
  .showHelpAfterError('(add --help for what is possible)')
  .exitOverride()

function settingsOf(options: Options): { dir: string; settings: Settings } {
  if (options.resume) {
    const dir = resolve(options.resume)
    const settings = readSettings(dir)
    if (!settings) throw new CannotRun(`There is no campaign in ${dir}.`)
    return { dir, settings }
  }
  const seed = options.seed ?? randomBytes(4).toString('hex')
  const dir = resolve(options.out ?? `.data/campaign-${seed.replaceAll(/[^\w-]/g, '_')}`)
  if (!options.plan && readSettings(dir))
    throw new CannotRun(`There is a campaign in ${dir} already: go on with it by --resume, or choose another --out.`)
  const { faults, atOnce, rate, instances, kinds, verifyEvery } = options
  return { dir, settings: { seed, faults, atOnce, rate, instances, kinds, verifyEvery } }
}

function makePlan({ seed, faults, atOnce, instances, kinds: names }: Settings, quiet: boolean): Ending {
  const kinds = allFaults.filter(({ name }) => names.includes(name))
  const plan = planCampaign({ seed, faults, atOnce, kinds, shape: shapeOf(instances) })
  const lines = plan.map(
    ({ number, wave, kind, target, durationMs, how }) =>
      `${number}  wave ${wave}  ${kind}  ${target}  ${durationMs} ms${how ? `  ${JSON.stringify(how)}` : ''}`,
  )
  if (!quiet) console.log(lines.join('\n'))
  return { exitCode: 0, document: { seed, plan } }
}

async function run(options: Options): Promise<number> {
  const asked = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => asked.abort())
  // biome-ignore lint/style/noProcessEnv: a program reads its surroundings at its start
  const environment = process.env
  const common = { environment, asked: asked.signal, quiet: options.json === true }
  const work = async (): Promise<Ending> => {
    if (options.url) return runOnYourShop({ ...common, ...options, url: options.url })
    const { dir, settings } = settingsOf(options)
    if (options.plan) return makePlan(settings, common.quiet)
    writeSettings(dir, settings)
    return runOnOwnServers({ ...common, dir, settings, keepGoing: options.keepGoing === true })
  }
  const { exitCode, document } = await work()
  if (options.json) console.log(JSON.stringify(document))
  return exitCode
}

try {
  let exitCode = 0
  command.action(async (options: Options) => {
    exitCode = await run(options)
  })
  await command.parseAsync()
  process.exit(exitCode) // who is still shopping when it is stopped is not waited for
} catch (error) {
  const isHelp = error instanceof Error && 'exitCode' in error && error.exitCode === 0
  if (error instanceof CannotRun) console.error(error.message)
  else if (!(error instanceof Error && 'exitCode' in error)) console.error(error)
  process.exit(isHelp ? 0 : 2)
}
