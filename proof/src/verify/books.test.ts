import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { until } from '@micromart/testkit/until'
import { Client } from 'pg'
import { type BookName, bookNames, openBooks } from './books.ts'

/** Books that all lie in one empty database. */
async function opened(t: TestContext) {
  const { url, drop } = await createTestDatabase()
  const books = openBooks(Object.fromEntries(bookNames.map((name) => [name, url])) as Record<BookName, string>)
  t.after(() => books.close().then(drop))
  return { url, books }
}

test('a connection that breaks between two questions ends nothing: the next one gets a new connection', async (t) => {
  const { url, books } = await opened(t)
  const pidOf = async () => (await books.read<{ pid: number }>('order', 'SELECT pg_backend_pid() AS pid'))[0]?.pid
  const first = await pidOf()
  const admin = new Client({ connectionString: url })
  await admin.connect()
  await admin.query('SELECT pg_terminate_backend($1)', [first])
  const isGone = async () =>
    (await admin.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [first])).rows.length === 0
  await until(isGone, { what: 'the end of the connection' }).finally(() => admin.end())
  const second = await until(() => pidOf().catch(() => undefined), { what: 'an answer after the break' })
  assert.notEqual(second, first)
})

test('books are opened for reading only', async (t) => {
  const { books } = await opened(t)
  await assert.rejects(books.read('cart', 'CREATE TABLE mine (id int)'), /read-only transaction/)
})
