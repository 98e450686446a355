import { availableParallelism } from 'node:os'
import { Command, Option } from 'commander'
import { type LoadResult, runLoad } from './checkout/load.ts'
import { type BenchShop, openBenchShop, type ShapeName, shapes } from './checkout/shops.ts'
import { line, summarise } from './checkout/summary.ts'

interface Options {
  readonly shoppers: string
  readonly seconds: string
  readonly rounds: string
  readonly shape: readonly ShapeName[]
  readonly json?: true
}

const WARM_UP_SECONDS = 3

/** Measures complete guest checkouts; the shapes take turns, so that a noisy machine is noisy for both. */
async function measure({ shoppers, seconds, rounds, shape, json }: Options): Promise<boolean> {
  const say = (text: string) => (json ? undefined : console.log(text))
  const machine = { cores: availableParallelism(), node: process.version, shoppers: Number(shoppers) }
  say(`${machine.cores} cores with the load generator on them, Node ${machine.node}, ${shoppers} shoppers`)
  const shops: BenchShop[] = []
  try {
    for (const name of shape) {
      say(`Starting ${name} on fresh data`)
      shops.push(await openBenchShop(name, machine.shoppers))
    }
    const results = new Map<BenchShop, LoadResult[]>(shops.map((shop) => [shop, []]))
    const load = (shop: BenchShop, duration: number) =>
      runLoad({ shopper: shop.shopper, skus: shop.skus, shoppers: machine.shoppers, seconds: duration })
    for (const shop of shops) await load(shop, WARM_UP_SECONDS)
    for (let round = 1; round <= Number(rounds); round += 1)
      for (const shop of shops) {
        say(`Round ${round} of ${rounds}: ${shop.shape}, ${seconds} s`)
        results.get(shop)?.push(await load(shop, Number(seconds)))
      }
    const summaries = []
    for (const [shop, measured] of results) summaries.push(summarise(shop.shape, measured, await shop.verify()))
    console.log(
      json ? JSON.stringify({ ...machine, seconds: Number(seconds), summaries }) : summaries.map(line).join('\n'),
    )
    return summaries.every(({ errors, booksAgree }) => booksAgree && Object.keys(errors).length === 0)
  } finally {
    await Promise.all(shops.map((shop) => shop.close()))
  }
}

await new Command('bench:checkout')
  .description('complete guest checkouts a second: cart, two lines, checkout, confirmed; exit code 1 if any went wrong')
  .option('--shoppers <n>', 'how many buy at the same time', '16')
  .option('--seconds <n>', 'length of one round', '20')
  .option('--rounds <n>', 'rounds of each shape; the shapes take turns', '3')
  .addOption(new Option('--shape <name...>', 'which shapes').choices([...shapes]).default([...shapes], 'both'))
  .option('--json', 'print one JSON document')
  .action(async (options: Options) => {
    process.exitCode = (await measure(options)) ? 0 : 1
  })
  .parseAsync()
