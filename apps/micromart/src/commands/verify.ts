import { type BookName, bookNames, openBooks } from '@micromart/proof/verify/books'
import type { Finding } from '@micromart/proof/verify/finding'
import { BadHistory } from '@micromart/proof/verify/read-history'
import { report } from '@micromart/proof/verify/report'
import { type InvariantName, invariantNames, verify } from '@micromart/proof/verify/verify'
import { Command, InvalidArgumentError } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { type Databases, databaseOptions, databaseVariable, openInstallation } from './installation.ts'
import { secondsOption } from './options.ts'

interface Options {
  readonly data?: string
  readonly postgres?: string
  readonly url?: string
  readonly settle: number
  readonly history?: string
  readonly invariant?: readonly InvariantName[]
  readonly json?: true
}

export const verifyCommand = (context: CliContext, finish: (code: number) => void): Command =>
  databaseOptions(new Command('verify'))
    .description(
      'check the books, invariants I1 to I12: nothing oversold, nobody charged twice, no paid order lost; exit code 1 on a violation',
    )
    .option(
      '--url <url>',
      'the running shop: waits until it is ready, because orders only come to an end in a shop that runs',
    )
    .option('--settle <seconds>', 'how long to wait for running orders to come to an end', secondsOption, 30)
    .option(
      '--history <file>',
      'what the clients saw, one JSON object a line (written by load tools): I10 and I11 are judged by it, I4 more strictly',
    )
    .option('--invariant <names>', `only these, such as I1,I5; one of ${invariantNames.join(' ')}`, invariantsOption)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nEach is ok, violated or not judged; what only clients can know (I10, I11) is not judged without --history.',
    )
    .action(async (options: Options) => {
      if (options.url) await shopIsReady(options.url, options.settle * 1_000)
      const findings = await openInstallation(options, context, (databases) => judge(databases, options))
      const ok = findings.every(({ state }) => state !== 'violated')
      console.log(options.json ? JSON.stringify({ ok, findings }) : report(findings))
      finish(ok ? 0 : 1)
    })

async function judge(databases: Databases, { settle, history, invariant }: Options): Promise<readonly Finding[]> {
  const books = openBooks(urlsOf(databases))
  try {
    return await verify(books, {
      settleMs: settle * 1_000,
      ...(history === undefined ? {} : { historyFile: history }),
      ...(invariant ? { only: invariant } : {}),
    })
  } catch (error) {
    throw error instanceof BadHistory ? new Fault(error.message, { cause: error }) : error
  } finally {
    await books.close()
  }
}

/** The books that are checked; all of them, because each is compared with others. */
function urlsOf(databases: Databases): Readonly<Record<BookName, string>> {
  const urls = new Map<string, string>(databases.map(({ name, url }) => [name, url]))
  const missing = bookNames.filter((name) => !urls.has(name)).map(databaseVariable)
  if (missing.length > 0)
    throw new Fault(`Every database is needed to compare the books; set ${missing.join(', ')} too.`)
  return Object.fromEntries(urls) as Record<BookName, string>
}

function invariantsOption(text: string): readonly InvariantName[] {
  const names = text.split(',').map((name) => name.trim().toUpperCase())
  const unknown = names.filter((name) => !invariantNames.some((known) => known === name))
  if (unknown.length > 0)
    throw new InvalidArgumentError(`Invariants are ${invariantNames.join(', ')}, separated by commas.`)
  return invariantNames.filter((name) => names.includes(name))
}

const ASK_EVERY_MS = 250

async function shopIsReady(url: string, patienceMs: number): Promise<void> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const down = await servicesDown(url)
    if (down.length === 0) return
    if (Date.now() >= giveUpAt)
      throw new Fault(`The shop at ${url} is not ready: ${down.join(', ')} down. Start it, or leave --url out.`)
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

/** What the gateway says is down; the gateway itself if it does not answer. */
async function servicesDown(url: string): Promise<readonly string[]> {
  try {
    const answer = await fetch(new URL('/ready', url), { signal: AbortSignal.timeout(5_000) })
    const { upstreams } = (await answer.json()) as { upstreams: Readonly<Record<string, string>> }
    return Object.keys(upstreams).filter((name) => upstreams[name] !== 'up')
  } catch {
    return ['gateway']
  }
}
