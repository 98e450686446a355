import { Pool } from 'pg'

/** The databases of a shop; every statement here is the checker's own, none comes from the services. */
export const bookNames = [
  ...(['user', 'product', 'inventory', 'cart', 'order', 'payment', 'notification', 'analytics', 'sandbox'] as const),
] as const
export type BookName = (typeof bookNames)[number]

export interface Books {
  read<Row>(name: BookName, sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  close(): Promise<void>
}

/** Whether a book has no such table (SQLSTATE 42P01, undefined_table): it is of an older version, or somebody took the table away. */
export const isMissingTable = (error: unknown): boolean => (error as { code?: string } | null)?.code === '42P01'

/** Opens the databases for reading only. */
export function openBooks(urls: Readonly<Record<BookName, string>>): Books {
  const pools = Object.fromEntries(bookNames.map((name) => [name, openPool(urls[name])])) as Record<BookName, Pool>
  return {
    read: async <Row>(name: BookName, sql: string, values: readonly unknown[] = []) =>
      (await pools[name].query(sql, [...values])).rows as readonly Row[],
    close: async () => {
      await Promise.all(Object.values(pools).map((pool) => pool.end()))
    },
  }
}

/** A connection that breaks while nobody asks would end the whole program otherwise; who asks next hears of it or gets a new one. */
function openPool(connectionString: string): Pool {
  const options = '-c default_transaction_read_only=on'
  const pool = new Pool({ connectionString, max: 1, options, application_name: 'micromart-verify' })
  pool.on('error', () => {})
  return pool
}
