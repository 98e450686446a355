import { availableParallelism } from 'node:os'
import { explain } from '@micromart/cli/fault'
import { Command } from 'commander'
import { type Figure, measure, openCrowd } from './answer-times/measure.ts'
import { control, type Question, questions } from './answer-times/questions.ts'
import { openOwnShop } from './races/own-shop.ts'
import { randomFrom } from './random.ts'
import { createShopper } from './shopper.ts'
import { wholeNumber } from './terminal.ts'

interface Options {
  readonly times: number
  readonly people: number
  readonly pauseMs: number
  readonly seed: number
  readonly json?: true
}

/** Farther from chance than one run in a thousand comes by itself. */
const TOLD_APART = 0.001

/** A shop of its own, whose limits do not count: they are the same for all addresses, and would end the measurement. */
async function withShop(
  environment: Readonly<Record<string, string>>,
  asked: readonly Question[],
  { times, people, pauseMs, seed }: Options,
): Promise<readonly Figure[]> {
  const shop = await openOwnShop({
    split: false,
    environment: { TRUSTED_PROXIES: '127.0.0.1', USER_SIGN_IN_FAILURES: '1000000', ...environment },
  })
  const shopper = createShopper(shop.url, { connections: 1 })
  try {
    const crowd = await openCrowd(shopper, people)
    const figures: Figure[] = []
    for (const question of asked) {
      const figure = await measure(question, { shopper, crowd, random: randomFrom(seed), times, pauseMs })
      console.log(lineOf(figure))
      figures.push(figure)
    }
    return figures
  } finally {
    await shopper.close()
    await shop.close()
  }
}

const ms = (value: number) => `${value.toFixed(2)} ms`

const lineOf = ({ question, known, unknown, auc, chance, p }: Figure) =>
  `${question}: known ${ms(known.p50)}, unknown ${ms(unknown.p50)} (medians of ${known.count}), ` +
  `AUC ${auc.toFixed(3)} (by chance 0.5 +- ${chance.toFixed(3)}), p ${p.toFixed(4)}`

async function main(options: Options): Promise<number> {
  const machine = { cores: availableParallelism(), node: process.version, at: new Date().toISOString() }
  console.log(`${machine.cores} cores, with who asks on them, Node ${machine.node}, ${machine.at}`)
  const figures = await withShop({}, questions, options)
  const [found] = await withShop({ USER_SIGN_IN_NEEDS_VERIFIED_EMAIL: 'false' }, [control], options)
  const told = figures.filter(({ p }) => p < TOLD_APART).map(({ question }) => question)
  const isSharp = found !== undefined && found.p < TOLD_APART
  const ok = told.length === 0 && isSharp
  if (options.json) console.log(JSON.stringify({ ok, ...machine, seed: options.seed, figures, control: found }))
  else
    console.log(
      ok
        ? 'No answer tells by its time who has an account.'
        : `Told apart: ${told.join(', ') || 'not even the control'}`,
    )
  return ok ? 0 : 1
}

await new Command('answer-times')
  .description(
    'whether the time of an answer tells if an address has an account, measured through the gateway; exit code 1 if it does',
  )
  .option('--times <n>', 'how often each question is asked of known and of unknown addresses', wholeNumber, 1_000)
  .option('--people <n>', 'how many accounts there are of each kind', wholeNumber, 100)
  .option('--pause-ms <n>', 'pause after each answer', wholeNumber, 30)
  .option('--seed <n>', 'decides which is asked next', wholeNumber, 1)
  .option('--json', 'print one JSON document on the last line')
  .action(async (options: Options) => {
    try {
      process.exitCode = await main(options)
    } catch (error) {
      console.error(explain(error) ?? error)
      process.exitCode = 1
    }
  })
  .parseAsync()
