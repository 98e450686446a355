import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { Client, type DatabaseError } from 'pg'

interface Recorded {
  readonly database: string
  readonly session: number
  readonly text: string
  readonly values: readonly unknown[]
  readonly answer: 'ended' | { rows: readonly object[]; count: number } | { code: string; constraint?: string }
}

const SCRIPT = fileURLToPath(new URL('./recorded-run.ts', import.meta.url))

async function recordedRun(seed: number): Promise<readonly (Recorded | { copied: true })[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, String(seed)], { maxBuffer: 1 << 30 })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const unmarked = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(unmarked)
    : typeof value === 'object' && value !== null && 'instant' in value
      ? new Date(String(value.instant))
      : value

/** Real databases for the simulated ones, and a connection for each of their sessions. */
function openTwins() {
  const databases = new Map<string, Promise<{ url: string; drop(): Promise<void> }>>()
  const connections = new Map<string, Promise<Client>>()
  const databaseOf = (name: string) => {
    const known = databases.get(name) ?? createTestDatabase()
    databases.set(name, known)
    return known
  }
  const connect = async (database: string) => {
    const client = new Client({ connectionString: (await databaseOf(database)).url })
    await client.connect()
    return client
  }
  const endAll = async () => {
    await Promise.all([...connections.values()].map(async (connection) => (await connection).end()))
    connections.clear()
  }
  return {
    connectionOf: ({ database, session }: Recorded) => {
      const name = `${database} ${session}`
      const known = connections.get(name) ?? connect(database)
      connections.set(name, known)
      return known
    },
    end: async ({ database, session }: Recorded) => {
      const name = `${database} ${session}`
      const connection = connections.get(name)
      connections.delete(name)
      await (await connection)?.end()
    },
    endAll,
    drop: async () => {
      await endAll()
      await Promise.all([...databases.values()].map(async (database) => (await database).drop()))
    },
  }
}

async function answerOf(client: Client, { text, values }: Recorded): Promise<Exclude<Recorded['answer'], 'ended'>> {
  try {
    const { rows, rowCount } = await client.query(text, values.map(unmarked))
    return { rows, count: rowCount ?? 0 }
  } catch (error) {
    const { code = String(error), constraint } = error as DatabaseError
    return { code, ...(constraint === undefined ? {} : { constraint }) }
  }
}

/** Rows come in any order unless they are asked for in one. */
function comparable(answer: Exclude<Recorded['answer'], 'ended'>, text: string) {
  if (!('rows' in answer)) return answer
  const rows = answer.rows.map((row) => JSON.stringify(row))
  return /ORDER BY/.test(text) ? rows : rows.toSorted()
}

/** What rests on the server's own clock, and what has another number there. */
const isComparable = ({ text }: Recorded) => !/\bnow\(\)|hashtextextended|schema_migrations/.test(text)

/** Does on PostgreSQL what was done in the simulation. @returns how many answers were compared, all equal */
async function replay(entries: readonly (Recorded | { copied: true })[]): Promise<number> {
  const twins = openTwins()
  let compared = 0
  try {
    for (const entry of entries) {
      if ('copied' in entry) await twins.endAll()
      else if (entry.answer === 'ended') await twins.end(entry)
      else compared += await compare(entry, entry.answer, await twins.connectionOf(entry))
    }
    return compared
  } finally {
    await twins.drop()
  }
}

async function compare(
  entry: Recorded,
  simulated: Exclude<Recorded['answer'], 'ended'>,
  client: Client,
): Promise<0 | 1> {
  const real = await answerOf(client, entry)
  if (!isComparable(entry)) return 0
  assert.deepEqual(comparable(simulated, entry.text), comparable(real, entry.text), entry.text)
  return 1
}

describe('what the simulated store answers, PostgreSQL answers too, statement by statement', () => {
  for (const seed of [3, 22])
    test(`in the run of seed ${seed}`, async () => {
      const compared = await replay(await recordedRun(seed))
      assert.ok(compared > 500, `${compared} statements`)
    })
})
