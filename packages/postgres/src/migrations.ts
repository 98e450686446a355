import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Database, Session } from './database.ts'
import { isUniqueViolation } from './errors.ts'

/** Tables that every service has: outbox, inbox, dead letters, timers, idempotency keys. */
const kitMigrations = new URL('../migrations/', import.meta.url)

/** Any number, the same for every starter: only one process migrates a database at a time. */
const MIGRATION_LOCK = 7_310_001

interface Migration {
  readonly name: string
  readonly sql: string
  readonly sha256: string
}

/**
 * Applies the kit's and then the service's `NNN-name.sql` files in order, each in a transaction, each once.
 * A file that was changed after it had been applied is refused: write a new one instead.
 * @returns the names applied now
 */
export async function migrate(database: Database, directory?: URL): Promise<readonly string[]> {
  const migrations = [...(await read(kitMigrations, 'kit/')), ...(directory ? await read(directory, '') : [])]
  const session = await database.session()
  try {
    await session.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await createJournal(session)
    const rows = await session.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations')
    const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]))
    const pending = migrations.filter((migration) => !wasApplied(migration, applied))
    for (const migration of pending) await apply(database, migration)
    return pending.map(({ name }) => name)
  } finally {
    session.end()
  }
}

async function read(directory: URL, prefix: string): Promise<readonly Migration[]> {
  const names = (await readdir(fileURLToPath(directory))).filter((name) => /^\d{3}-[a-z0-9-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, directory), 'utf8')
      return { name: `${prefix}${name}`, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function createJournal(session: Session) {
  try {
    await session.execute(
      'CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    )
  } catch (error) {
    if (!isUniqueViolation(error)) throw error // another starter was quicker
  }
}

function wasApplied(migration: Migration, applied: ReadonlyMap<string, string>): boolean {
  const sha256 = applied.get(migration.name)
  if (sha256 !== undefined && sha256 !== migration.sha256)
    throw new Error(
      `Migration ${migration.name} was changed after it had been applied. Restore it and add a new file instead.`,
    )
  return sha256 !== undefined
}

const apply = (database: Database, migration: Migration) =>
  database.transaction(async (tx) => {
    for (const statement of statementsOf(migration.sql)) await tx.execute(statement)
    await tx.execute('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [migration.name, migration.sha256])
  })

/** One statement ends with a semicolon at the end of a line; function bodies quoted with $$ may hold such lines. */
function statementsOf(sql: string): readonly string[] {
  const statements: string[] = []
  let current = ''
  for (const line of sql.split('\n')) {
    if (line.trimStart().startsWith('--') && current === '') continue
    current += `${line}\n`
    const insideBody = current.split('$$').length % 2 === 0
    if (/;\s*(--.*)?$/.test(line) && !insideBody) {
      statements.push(current)
      current = ''
    }
  }
  if (current.trim() !== '') statements.push(current)
  return statements
}
