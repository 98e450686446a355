import { databaseConformance } from '@micromart/testkit/database-conformance'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { openDatabase } from './database.ts'

databaseConformance('PostgreSQL', async () => {
  const { url, drop } = await createTestDatabase()
  const { hostname, port } = new URL(url)
  const proxy = await startFaultProxy({ upstreams: () => [{ host: hostname, port: Number(port || 5432) }] })
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String(proxy.port)
  const database = openDatabase({ url: proxied.href, poolSize: 10 })
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
