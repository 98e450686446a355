import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runningPostgresUrl } from '@micromart/embedded-postgres/running-postgres'
import { type Program, startProgram } from '@micromart/proof/program'
import { createShopper, type Shopper } from '@micromart/proof/shopper'
import { freePortRange } from '@micromart/testkit/free-ports'
import { Client } from 'pg'
import { type DatabaseName, databaseUrls } from '../../src/start/databases.ts'
import { openSecrets } from '../../src/start/secrets.ts'

/** A shop as `micromart start` runs it, and the hands of somebody who can reach into its databases. */
export interface RunningShop {
  readonly url: string
  readonly dataDir: string
  readonly program: Program
  readonly shopper: Shopper
  sql(database: DatabaseName, ...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>
  close(): Promise<void>
}

export async function runShop(): Promise<RunningShop> {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-commands-'))
  const port = await freePortRange()
  const program = startProgram(['start', '--port', String(port), '--data', dataDir], { LOG_LEVEL: 'warn' })
  await program.says('MicroMart is ready')
  const urls = databaseUrls((await runningPostgresUrl(join(dataDir, 'postgres'))) ?? '', openSecrets(dataDir))
  const url = `http://127.0.0.1:${port}`
  const shopper = createShopper(url)
  return {
    url,
    dataDir,
    program,
    shopper,
    sql: async (database, ...statements) => {
      const client = new Client({ connectionString: urls[database] })
      await client.connect()
      try {
        let rows: readonly Record<string, unknown>[] = []
        for (const statement of statements) rows = (await client.query(statement)).rows
        return rows
      } finally {
        await client.end()
      }
    },
    close: async () => {
      await shopper.close()
      await program.kill('SIGTERM')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
