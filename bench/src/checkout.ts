import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { runLoad } from './checkout/load.ts'
import { openBenchShop, type ShapeName, shapes } from './checkout/shops.ts'
import { line, type Round, summarise } from './checkout/summary.ts'

interface Options {
  readonly shoppers: number
  readonly seconds: number
  readonly rounds: number
  readonly shape: readonly ShapeName[]
  readonly json?: true
}

const WARM_UP_SECONDS = 3

/** Measures complete guest checkouts. The shapes take turns, so that a noisy machine is noisy for both; each round has a shop and data of its own. */
async function measure({ shoppers, seconds, rounds, shape: shapesWanted, json }: Options): Promise<boolean> {
  const say = (text: string) => (json ? undefined : console.log(text))
  const machine = { cores: availableParallelism(), node: process.version, shoppers }
  say(`${machine.cores} cores with the load generator on them, Node ${machine.node}, ${shoppers} shoppers`)
  const measured = new Map<ShapeName, Round[]>(shapesWanted.map((shape) => [shape, []]))
  for (let round = 1; round <= rounds; round += 1)
    for (const [shape, results] of measured) {
      say(`Round ${round} of ${rounds}: ${shape}, ${WARM_UP_SECONDS} s to warm up and ${seconds} s`)
      results.push(await oneRound(shape, { shoppers: machine.shoppers, seconds }))
    }
  const summaries = [...measured].map(([shape, results]) => summarise(shape, results))
  console.log(json ? JSON.stringify({ ...machine, seconds, summaries }) : summaries.map(line).join('\n'))
  return summaries.every(({ errors, booksAgree }) => booksAgree && Object.keys(errors).length === 0)
}

async function oneRound(shape: ShapeName, load: { shoppers: number; seconds: number }): Promise<Round> {
  const shop = await openBenchShop(shape, load.shoppers)
  try {
    await runLoad({ ...shop, ...load, seconds: WARM_UP_SECONDS })
    return { ...(await runLoad({ ...shop, ...load })), booksAgree: await shop.verify() }
  } finally {
    await shop.close()
  }
}

function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

await new Command('bench:checkout')
  .description('complete guest checkouts a second: cart, two lines, checkout, confirmed; exit code 1 if any went wrong')
  .option('--shoppers <n>', 'how many buy at the same time', atLeastOne, 16)
  .option('--seconds <n>', 'length of one round', atLeastOne, 20)
  .option('--rounds <n>', 'rounds of each shape; the shapes take turns', atLeastOne, 3)
  .addOption(new Option('--shape <name...>', 'which shapes').choices([...shapes]).default([...shapes], 'both'))
  .option('--json', 'print one JSON document')
  .action(async (options: Options) => {
    process.exitCode = (await measure(options)) ? 0 : 1
  })
  .parseAsync()
