import { databaseConformance } from '@micromart/testkit/database-conformance'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { openDatabase } from './database.ts'

databaseConformance('PostgreSQL', async () => {
  const { url, drop } = await createTestDatabase()
  const port = Number(new URL(url).port || 5432)
  const proxy = await startFaultProxy({ upstreams: () => [{ port }] })
  const database = openDatabase({ url: proxy.urlOf(url), poolSize: 10 })
  const observer = openDatabase({ url, poolSize: 2 })
  return {
    database,
    observer,
    loseAnswers: () => proxy.apply({ kind: 'one-way', lost: 'to-client' }),
    breakConnections: async () => {
      proxy.reset()
      await proxy.heal()
    },
    close: async () => {
      await database.close()
      await observer.close()
      await proxy.close()
      await drop()
    },
  }
})
