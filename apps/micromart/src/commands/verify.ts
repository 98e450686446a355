import { openBooks } from '@micromart/proof/verify/books'
import { report } from '@micromart/proof/verify/report'
import { verify } from '@micromart/proof/verify/verify'
import { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { databaseOptions, openInstallation } from './installation.ts'
import { secondsOption } from './options.ts'

interface Options {
  readonly data?: string
  readonly postgres?: string
  readonly url?: string
  readonly settle: number
  readonly history?: string
  readonly json?: true
}

export const verifyCommand = (context: CliContext, finish: (code: number) => void): Command =>
  databaseOptions(new Command('verify'))
    .description(
      'check the books: nothing oversold, nobody charged twice, no paid order lost; exit code 1 on a violation',
    )
    .option(
      '--url <url>',
      'the running shop: waits until it is ready, because orders only come to an end in a shop that runs',
    )
    .option('--settle <seconds>', 'how long to wait for running orders to come to an end', secondsOption, 30)
    .option('--history <file>', 'what the clients saw, one JSON object a line (written by load tools)')
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const settleMs = options.settle * 1_000
      if (options.url) await shopIsReady(options.url, settleMs)
      await openInstallation(options, context, async (databases) => {
        const urls = Object.fromEntries(databases.map(({ name, url }) => [name, url])) as Parameters<
          typeof openBooks
        >[0]
        const books = openBooks(urls)
        try {
          const findings = await verify(books, {
            settleMs,
            ...(options.history ? { historyFile: options.history } : {}),
          })
          console.log(
            options.json
              ? JSON.stringify({ ok: findings.every(({ violations }) => violations.length === 0), findings })
              : report(findings),
          )
          finish(findings.every(({ violations }) => violations.length === 0) ? 0 : 1)
        } finally {
          await books.close()
        }
      })
    })

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
