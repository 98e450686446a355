import { createReadStream } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { callApi } from '../import/api-client.ts'
import { type ImportReport, importProducts } from '../import/import-products.ts'

interface Options {
  readonly url: string
  readonly token?: string
  readonly currency: string
  readonly overwriteStock?: true
  readonly json?: true
}

export function importCommand(context: CliContext, finish: (code: number) => void): Command {
  const products = new Command('products')
    .description('bring in a Shopify product CSV; repeating it brings products up to date and makes no duplicates')
    .argument('<file>', 'the CSV file')
    .option('--url <url>', 'the shop', 'http://127.0.0.1:3000')
    .option('--token <token>', 'access token of a staff account (MICROMART_TOKEN; in development the demo admin)')
    .option('--currency <code>', 'currency of the prices, ISO 4217', 'USD')
    .option(
      '--overwrite-stock',
      'set stock also where it is known already; otherwise a quantity counts only the first time',
    )
    .option('--json', 'print the report as one JSON document')
    .action(async (file: string, options: Options) => {
      await checkReadable(file)
      const token = options.token ?? context.environment['MICROMART_TOKEN'] ?? (await demoToken(options.url))
      const report = await importProducts({
        source: createReadStream(file),
        url: options.url,
        token,
        currency: options.currency,
        overwriteStock: options.overwriteStock ?? false,
        onProgress: ({ created, updated, unchanged, bad }) => {
          if (!options.json) console.log(`  ${created + updated + unchanged} products, ${bad.length} bad rows so far`)
        },
      })
      console.log(options.json ? JSON.stringify(report) : summary(report))
      finish(report.bad.length === 0 ? 0 : 1)
    })
  return new Command('import').description('bring data in').addCommand(products.exitOverride())
}

async function checkReadable(file: string) {
  try {
    await access(file, constants.R_OK)
  } catch (cause) {
    throw new Fault(`${file} cannot be read. Check the path and its permissions.`, { cause })
  }
}

const demoToken = async (url: string) => {
  const body = { email: 'admin@micromart.test', password: 'micromart-demo' }
  try {
    return (await callApi<{ accessToken: string }>(url, { method: 'POST', path: '/api/v1/auth/login', body }))
      .accessToken
  } catch (cause) {
    if (cause instanceof Fault && cause.message.includes('does not answer')) throw cause
    throw new Fault('Name a staff account by --token or MICROMART_TOKEN: the demo admin is not there.', { cause })
  }
}

const summary = ({ created, updated, unchanged, stocked, bad }: ImportReport) =>
  [
    `${created} products created, ${updated} updated, ${unchanged} unchanged; stock set for ${stocked} SKUs`,
    ...bad.map(({ line, code, reason }) => `line ${line}: ${reason} (${code})`),
  ].join('\n')
