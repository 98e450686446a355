import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { migrate } from './migrations.ts'

test('a version runs on tables that a newer one has added to, and refuses a file that was changed', async (t) => {
  const { database, close } = await openScratchDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'micromart-migrations-'))
  t.after(() => close().then(() => rm(folder, { recursive: true })))
  const directory = pathToFileURL(`${folder}/`)
  await writeFile(join(folder, '001-notes.sql'), 'CREATE TABLE notes (id int PRIMARY KEY);\n')
  assert.deepEqual(await migrate(database, directory), ['001-notes.sql'])
  await database.execute(`INSERT INTO schema_migrations (name, sha256) VALUES ('002-from-the-future.sql', 'unknown')`)
  assert.deepEqual(await migrate(database, directory), [])
  await writeFile(join(folder, '001-notes.sql'), 'CREATE TABLE notes (id bigint PRIMARY KEY);\n')
  await assert.rejects(migrate(database, directory), /001-notes\.sql was changed after it had been applied/)
})

test('of several processes that start together each migration is applied by one', async (t) => {
  const { database, close } = await openScratchDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'micromart-migrations-'))
  t.after(() => close().then(() => rm(folder, { recursive: true })))
  await writeFile(join(folder, '001-notes.sql'), 'CREATE TABLE notes (id int PRIMARY KEY);\n')
  const applied = await Promise.all([1, 2, 3].map(() => migrate(database, pathToFileURL(`${folder}/`))))
  assert.deepEqual(applied.flat(), ['001-notes.sql'])
})
