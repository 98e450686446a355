import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { randomFrom } from '../random.ts'
import { createShopper, type Shopper } from '../shopper.ts'
import { type BookName, bookNames } from '../verify/books.ts'
import { report } from '../verify/report.ts'
import { openJournal } from './journal.ts'
import { judge } from './judge.ts'
import type { Ending } from './on-own-servers.ts'
import { CannotRun } from './rig/rig.ts'
import { distributionOf, groupBy } from './statistics.ts'
import { badCustomers } from './your-shop/bad-customers.ts'
import { type Visit, visit } from './your-shop/visit.ts'

export interface YourShopOptions {
  readonly url: string
  readonly faults: number
  readonly seed?: string
  readonly atOnce: number
  readonly rate: number
  readonly sku?: readonly string[]
  readonly method: string
  readonly keepGoing?: true
  readonly out?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly asked: AbortSignal
  readonly quiet: boolean
}

const CLIENT_TIMEOUT_MS = 10_000
const END_WITHIN_MS = 60_000
const SETTLE_MS = 60_000
const TELL_EVERY = 25

/** Bad customers on somebody's own shop: nothing is broken, and every order is a real one. @throws CannotRun */
export async function runOnYourShop(options: YourShopOptions): Promise<Ending> {
  const { url, atOnce, faults, asked } = options
  if (!URL.canParse(url)) throw new CannotRun(`${url} is not a URL such as https://shop.example.`)
  const say = (line: string) => (options.quiet ? undefined : console.log(line))
  const seed = options.seed ?? randomBytes(4).toString('hex')
  const dir = resolve(options.out ?? `.data/campaign-${seed}`)
  const shopper = createShopper(new URL(url).origin, { connections: 64, timeoutMs: CLIENT_TIMEOUT_MS })
  try {
    const skus = options.sku ?? (await skusOf(shopper, url))
    const journal = openJournal(dir)
    say(`Seed ${seed}, ${faults} bad customers, ${atOnce} at a time, on ${skus.length} SKUs; everything in ${dir}`)
    const visits: Visit[] = []
    const mayGoOn = () => !asked.aborted && (options.keepGoing === true || visits.every(isFine))
    let next = 0
    const worker = async () => {
      while (next < faults && mayGoOn()) {
        const number = next++
        const random = randomFrom(seed, `customer ${number}`)
        const customer = random.pick(badCustomers)
        const { method } = options
        const how = { shopper, url, method, random, history: journal.history, skus, endWithinMs: END_WITHIN_MS }
        const seen = await visit(customer, how).catch(brokenOff(customer.name))
        visits.push(seen)
        for (const sentence of seen.violations) say(`VIOLATION  ${seen.customer}: ${sentence}`)
        if (visits.length % TELL_EVERY === 0) say(`${visits.length} of ${faults} visits`)
      }
    }
    await Promise.all(Array.from({ length: Math.min(atOnce, faults) }, worker))
    const books = await judgeBooks(options, dir)
    return conclude({ visits, books, faults, dir, seed }, say)
  } finally {
    await shopper.close()
  }
}

const isFine = ({ violations }: Visit) => violations.length === 0

/** Who could not even get to the checkout has found no violation, but is told of. */
const brokenOff =
  (customer: string) =>
  (error: unknown): Visit => ({
    customer,
    orderId: undefined,
    status: `broken off: ${String(error)}`,
    tookMs: 0,
    violations: [],
  })

async function skusOf(shopper: Shopper, url: string): Promise<readonly string[]> {
  const answer = await shopper.call({ method: 'GET', path: '/api/v1/products?limit=50' })
  if (answer.status !== 200)
    throw new CannotRun(`The shop at ${url} does not answer with products: ${answer.status || answer.text}.`)
  const products = answer.body.items as readonly { readonly variants: readonly { readonly sku: string }[] }[]
  const skus = products.flatMap(({ variants }) => variants.map(({ sku }) => sku))
  if (skus.length === 0) throw new CannotRun(`The shop at ${url} sells nothing: name something with --sku.`)
  return skus
}

/** The books are checked where all of them are named in the environment. */
async function judgeBooks({ environment }: YourShopOptions, dir: string) {
  const named = bookNames.map((name) => [name, environment[`${name.toUpperCase()}_DATABASE_URL`]] as const)
  if (named.some(([, url]) => !url)) return undefined
  const urls = Object.fromEntries(named) as Record<BookName, string>
  return judge({ urls, journal: openJournal(dir), settleMs: SETTLE_MS })
}

function conclude(
  {
    visits,
    books,
    faults,
    dir,
    seed,
  }: {
    visits: readonly Visit[]
    books: Awaited<ReturnType<typeof judgeBooks>>
    faults: number
    dir: string
    seed: string
  },
  say: (line: string) => void,
): Ending {
  if (books) say(report(books))
  else say('The books were not checked: name them by CART_DATABASE_URL, ORDER_DATABASE_URL, ... to have it done.')
  const customers = [...groupBy(visits, ({ customer }) => customer)].map(([customer, all]) => {
    const accepted = all.filter(({ orderId }) => orderId !== undefined)
    return {
      customer,
      visits: all.length,
      accepted: accepted.length,
      took: distributionOf(accepted.map(({ tookMs }) => Math.round(tookMs))),
    }
  })
  for (const { customer, visits: count, accepted, took } of customers)
    say(`  ${customer.padEnd(16)}${count} visits, ${accepted} orders, p95 ${took.p95} ms`)
  const violations = [...visits.flatMap((one) => one.violations), ...(books ?? []).flatMap((one) => one.violations)]
  const complete = visits.length >= faults
  const ordered = visits.some(({ orderId }) => orderId !== undefined)
  say(
    `${violations.length} violations in ${visits.length} visits${ordered ? '' : '; NO ORDER WAS ACCEPTED, so nothing was proved'}`,
  )
  const document = {
    ok: violations.length === 0 && ordered,
    complete,
    seed,
    visits: visits.length,
    customers,
    violations,
    books,
    dir,
  }
  writeFileSync(join(dir, 'visits.json'), `${JSON.stringify(visits, null, 1)}\n`)
  return { exitCode: violations.length > 0 ? 1 : complete && ordered ? 0 : 2, document }
}
