import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'
import { openDatabase } from '@micromart/postgres/database'

let server: ReturnType<typeof startServer> | undefined

// at the top level: it belongs to the whole file, after the hooks of every suite
after(async () => (await server)?.stop())

/** One server for the whole test process: `TEST_POSTGRES_URL` when set, an embedded one otherwise. */
const serverUrl = async (): Promise<string> => {
  const given = process.env['TEST_POSTGRES_URL']
  if (given) return given
  server ??= startServer()
  return (await server).url
}

async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'micromart-test-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), settings: { fsync: 'off' } })
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An empty database of its own for one test; `drop` removes it. */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const adminUrl = await serverUrl()
  const name = `test_${randomBytes(8).toString('hex')}`
  const run = async (sql: string) => {
    const admin = openDatabase({ url: adminUrl, poolSize: 1 })
    await admin.execute(sql)
    await admin.close()
  }
  await run(`CREATE DATABASE ${name}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}
