import { type Database, openDatabase } from '@micromart/postgres/database'
import { serviceNames } from '@micromart/service-kit/service'
import type { Secrets } from './secrets.ts'

/** A database and a role for each service, and one for the sandbox provider, whose ledger is not ours. */
export const databaseNames = [...serviceNames, 'sandbox'] as const
export type DatabaseName = (typeof databaseNames)[number]
export type DatabaseUrls = Readonly<Record<DatabaseName, string>>

const PREFIX = 'micromart_'

/** Where each service's database is, given the server's address. */
export function databaseUrls(adminUrl: string, secrets: Secrets): DatabaseUrls {
  const urlOf = (name: DatabaseName) => {
    const url = new URL(adminUrl)
    url.username = `${PREFIX}${name}`
    url.password = secrets.of(`database ${name}`)
    url.pathname = `/${PREFIX}${name}`
    return url.href
  }
  return Object.fromEntries(databaseNames.map((name) => [name, urlOf(name)])) as Record<DatabaseName, string>
}

/** Creates what is missing: a role may connect to its own database and to no other. */
export async function ensureDatabases(adminUrl: string, secrets: Secrets): Promise<void> {
  const admin = openDatabase({ url: adminUrl, poolSize: 2 })
  try {
    const roles = await existing(admin, 'SELECT rolname AS name FROM pg_roles')
    const databases = await existing(admin, 'SELECT datname AS name FROM pg_database')
    for (const name of databaseNames) await ensureRole(admin, { name, exists: roles.has(PREFIX + name), secrets })
    for (const name of databaseNames) if (!databases.has(PREFIX + name)) await createDatabase(admin, PREFIX + name)
  } finally {
    await admin.close()
  }
}

/** Throws the shop's databases away, whoever is connected; the roles stay. */
export async function dropDatabases(adminUrl: string): Promise<void> {
  const admin = openDatabase({ url: adminUrl, poolSize: 1 })
  try {
    for (const name of databaseNames) await admin.execute(`DROP DATABASE IF EXISTS ${PREFIX}${name} WITH (FORCE)`)
  } finally {
    await admin.close()
  }
}

const existing = async (admin: Database, sql: string) =>
  new Set((await admin.query<{ name: string }>(sql)).map(({ name }) => name))

async function ensureRole(admin: Database, role: { name: DatabaseName; exists: boolean; secrets: Secrets }) {
  const password = role.secrets.of(`database ${role.name}`) // base64url: nothing to escape
  const verb = role.exists ? 'ALTER' : 'CREATE'
  await admin.execute(
    `${verb} ROLE ${PREFIX}${role.name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`,
  )
}

async function createDatabase(admin: Database, name: string) {
  await admin.execute(`CREATE DATABASE ${name} OWNER ${name} ENCODING 'UTF8' TEMPLATE template0`)
  await admin.execute(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
}
