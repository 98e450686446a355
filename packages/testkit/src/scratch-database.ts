import { type Database, openDatabase } from '@micromart/postgres/database'
import { migrate } from '@micromart/postgres/migrations'
import { createTestDatabase } from './test-database.ts'

/** A database of its own with the kits' tables, for testing a kit against the real server. */
export async function openScratchDatabase(): Promise<{ database: Database; url: string; close(): Promise<void> }> {
  const { url, drop } = await createTestDatabase()
  const database = openDatabase({ url })
  await migrate(database)
  return {
    database,
    url,
    close: async () => {
      await database.close()
      await drop()
    },
  }
}
