import type { DatabaseName } from '@micromart/cli/start/databases'
import { Client } from 'pg'
import { insist } from '../../buyers.ts'
import type { Rig } from '../rig/rig.ts'

const PATIENCE_MS = 30_000

/** One statement, past all proxies; repeated while the server is away. */
const run = <Row>(url: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]> =>
  insist(async () => {
    const client = new Client({ connectionString: url, application_name: 'campaign', connectionTimeoutMillis: 2_000 })
    client.on('error', () => {}) // comes as the rejection of what was asked
    try {
      await client.connect()
      return (await client.query(sql, [...values])).rows as readonly Row[]
    } catch {
      return undefined
    } finally {
      await client.end().catch(() => {})
    }
  }, PATIENCE_MS)

export const asSuperuser = <Row>({ postgres }: Rig, sql: string, values: readonly unknown[] = []) =>
  run<Row>(postgres.url, sql, values)

/** On one service's database. */
export const readFrom = <Row>(
  { databases }: Pick<Rig, 'databases'>,
  name: DatabaseName,
  query: { sql: string; values?: readonly unknown[] },
) => run<Row>(databases[name], query.sql, query.values ?? [])
