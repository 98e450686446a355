import { type Database, openDatabase } from '@micromart/postgres/database'
import { until } from '@micromart/testkit/until'
import { type DatabaseUrls, databaseNames } from '../../src/start/databases.ts'

/** Rows and digest of every table of every service, such as `cart.carts`. */
export type Fingerprint = Readonly<Record<string, string>>

export interface Stores {
  /**
   * No table is left out: whatever a service writes on its own (timers, the outbox, what is swept away) is done once the shop is
   * quiet, or is due long after the test.
   */
  fingerprint(): Promise<Fingerprint>
  /** Waits until nothing is under way any more. */
  quiet(): Promise<Fingerprint>
  readonly user: Database
  close(): Promise<void>
}

interface Store {
  readonly name: string
  readonly database: Database
  /** Digests of all its tables in one statement. */
  readonly digests: string
}

const TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"

const digestOf = ({ name }: { name: string }) =>
  `SELECT '${name}' AS name, count(*) || ' ' || coalesce(md5(string_agg(md5(row::text), '' ORDER BY md5(row::text))), '') AS digest FROM ${name} AS row`

async function openStore(name: string, url: string): Promise<Store> {
  const database = openDatabase({ url, poolSize: 1 })
  const tables = await database.query<{ name: string }>(TABLES)
  return { name, database, digests: tables.map(digestOf).join(' UNION ALL ') }
}

export async function openStores(urls: DatabaseUrls): Promise<Stores> {
  const stores = await Promise.all(databaseNames.map((name) => openStore(name, urls[name])))
  const user = stores.find(({ name }) => name === 'user')
  if (!user) throw new Error('There is no user service')

  const fingerprint = async (): Promise<Fingerprint> => {
    const digests = await Promise.all(
      stores.map(async ({ name: store, database, digests }) =>
        (await database.query<{ name: string; digest: string }>(digests)).map(
          ({ name, digest }) => [`${store}.${name}`, digest] as const,
        ),
      ),
    )
    return Object.fromEntries(digests.flat())
  }
  const unpublished = async () => {
    const withOutbox = stores.filter(({ digests }) => digests.includes("'outbox'"))
    const counts = await Promise.all(
      withOutbox.map(({ database }) =>
        database.query<{ count: string }>('SELECT count(*) FROM outbox WHERE published_at IS NULL'),
      ),
    )
    return counts.flat().reduce((sum, { count }) => sum + Number(count), 0)
  }

  return {
    fingerprint,
    // a message may wander from one store to another between two looks, so two looks have to agree
    quiet: () =>
      until(
        async () => {
          const before = await fingerprint()
          if ((await unpublished()) > 0) return undefined
          return JSON.stringify(await fingerprint()) === JSON.stringify(before) && before
        },
        { withinMs: 20_000, what: 'a shop in which nothing is under way' },
      ),
    user: user.database,
    close: async () => {
      await Promise.all(stores.map(({ database }) => database.close()))
    },
  }
}

/** The tables whose rows differ. */
export const changedTables = (before: Fingerprint, now: Fingerprint): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((table) => before[table] !== now[table])
