import { openBooks } from '@micromart/proof/verify/books'
import { report } from '@micromart/proof/verify/report'
import { verify } from '@micromart/proof/verify/verify'
import { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { databaseOptions, openInstallation } from './installation.ts'

interface Options {
  readonly data?: string
  readonly postgres?: string
  readonly url?: string
  readonly settle: string
  readonly history?: string
  readonly json?: true
}

export const verifyCommand = (context: CliContext, finish: (code: number) => void): Command =>
  databaseOptions(new Command('verify'))
    .description(
      'check the books: nothing oversold, nobody charged twice, no paid order lost; exit code 1 on a violation',
    )
    .option('--url <url>', 'the running shop, asked whether it answers')
    .option('--settle <seconds>', 'how long to wait for running orders to come to an end', '30')
    .option('--history <file>', 'what the clients saw, one JSON object a line (written by load tools)')
    .option('--json', 'print one JSON document')
    .action((options: Options) =>
      openInstallation(options, context, async (databases) => {
        const urls = Object.fromEntries(databases.map(({ name, url }) => [name, url])) as Parameters<
          typeof openBooks
        >[0]
        const books = openBooks(urls)
        try {
          const findings = await verify(books, {
            settleMs: Number(options.settle) * 1_000,
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
      }),
    )
