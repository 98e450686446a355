import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'
import { runningPostgresUrl } from '@micromart/embedded-postgres/running-postgres'
import type { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { type DatabaseName, databaseNames, databaseUrls } from '../start/databases.ts'
import { openSecrets } from '../start/secrets.ts'

export type Databases = readonly { readonly name: DatabaseName; readonly url: string }[]

/** Which installation a command is about: its data directory, its server, or a URL for each database. */
export const databaseOptions = (command: Command): Command =>
  command
    .option('--data <dir>', 'data directory of the shop', '.data')
    .option('--postgres <url>', 'the PostgreSQL server that the shop was started on (POSTGRES_URL)')
    .addHelpText(
      'after',
      `\nOr name the databases by ${databaseNames.map(databaseVariable).slice(0, 2).join(', ')}, … in the environment.`,
    )

export const databaseVariable = (name: DatabaseName) => `${name.toUpperCase()}_DATABASE_URL`

/** Finds the databases of an installation, whether it runs or not, and does the work on them. */
export async function openInstallation<T>(
  options: { data?: string; postgres?: string },
  { environment }: CliContext,
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const named = databaseNames.flatMap((name) => {
    const url = environment[databaseVariable(name)]
    return url ? [{ name, url }] : []
  })
  if (named.length > 0) return work(named)
  const dataDir = resolve(options.data ?? '.data')
  const server = options.postgres ?? environment['POSTGRES_URL']
  if (server) return work(all(server, dataDir))
  if (!existsSync(join(dataDir, 'postgres')))
    throw new Fault(`There is no shop in ${dataDir}. Name its data directory with --data, or its databases by URL.`)
  return onEmbedded(dataDir, work)
}

const all = (server: string, dataDir: string): Databases =>
  Object.entries(databaseUrls(server, openSecrets(dataDir))).map(([name, url]) => ({ name: name as DatabaseName, url }))

/** Uses the running shop's server, or starts it for as long as the work takes. */
async function onEmbedded<T>(dataDir: string, work: (databases: Databases) => Promise<T>): Promise<T> {
  const postgresDir = join(dataDir, 'postgres')
  const running = await runningPostgresUrl(postgresDir)
  if (running) return work(all(running, dataDir))
  const postgres = await startEmbeddedPostgres({ dataDir: postgresDir })
  try {
    return await work(all(postgres.url, dataDir))
  } finally {
    await postgres.stop()
  }
}
