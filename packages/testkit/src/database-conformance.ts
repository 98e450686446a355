import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Database, Session, Transaction } from '@micromart/postgres/database'
import { isUnavailable, isUniqueViolation } from '@micromart/postgres/errors'
import { until } from './until.ts'

export interface DatabaseHarness {
  /** Empty; several connections at once. */
  readonly database: Database
  /** Another client of the same database, which the faults below do not touch. */
  readonly observer: Database
  /** From now on what the server answers to `database` is lost, though it gets everything. */
  loseAnswers(): Promise<void>
  /** Breaks the connections of `database`; new ones are good. */
  breakConnections(): Promise<void>
  close(): Promise<void>
}

const codeOf = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code

/** What every store behind `Database` has to do as PostgreSQL does; run against the server and against the simulator's. */
export function databaseConformance(name: string, open: () => Promise<DatabaseHarness>): void {
  describe(name, () => {
    let harness: DatabaseHarness
    let database: Database
    before(async () => {
      harness = await open()
      database = harness.database
      await database.execute('CREATE TABLE shelf (sku text PRIMARY KEY, pieces integer NOT NULL CHECK (pieces >= 0))')
      await database.execute(
        `CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku text REFERENCES shelf, body json NOT NULL DEFAULT '{}',
          tags text[], at timestamptz, amount bigint, CONSTRAINT notes_once UNIQUE (sku, at))`,
      )
    })
    after(() => harness.close())

    const put = (sku: string, pieces: number, db: Pick<Database, 'execute'> = database) =>
      db.execute('INSERT INTO shelf (sku, pieces) VALUES ($1, $2)', [sku, pieces])
    const piecesOf = async (sku: string, db: Pick<Database, 'query'> = database) =>
      (await db.query<{ pieces: number }>('SELECT pieces FROM shelf WHERE sku = $1', [sku]))[0]?.pieces
    const take = (sku: string, db: Pick<Database, 'execute'> = database) =>
      db.execute('UPDATE shelf SET pieces = pieces - 1 WHERE sku = $1 AND pieces >= 1', [sku])

    transactions()
    locks()
    constraints()
    conflicts()
    sessions()
    values()
    faults()

    function transactions() {
      test('what throws is rolled back, and so is what was only sent', async () => {
        const doomed = database.transaction(async (tx) => {
          await put('thrown', 1, tx)
          tx.write('UPDATE shelf SET pieces = 2 WHERE sku = $1', ['thrown'])
          throw new Error('not this time')
        })
        await assert.rejects(doomed, /not this time/)
        assert.equal(await piecesOf('thrown'), undefined)
      })

      test('after a failed statement nothing of the transaction stays, and its error is the one that is told', async () => {
        const doomed = database.transaction(async (tx) => {
          await put('failed', 1, tx)
          tx.write('INSERT INTO shelf (sku, pieces) VALUES ($1, -1)', ['negative'])
          await tx.query('SELECT 1')
        })
        await assert.rejects(doomed, codeOf('23514'))
        assert.equal(await piecesOf('failed'), undefined)
      })

      test('others see nothing before the commit, the transaction itself sees all of it', async () => {
        await database.transaction(async (tx) => {
          await put('unseen', 3, tx)
          assert.equal(await piecesOf('unseen', tx), 3)
          assert.equal(await piecesOf('unseen'), undefined)
        })
        assert.equal(await piecesOf('unseen'), 3)
      })

      test('a statement sees what was committed before it, not what was committed before its transaction', async () => {
        await put('moving', 1)
        await database.transaction(async (tx) => {
          assert.equal(await piecesOf('moving', tx), 1)
          await take('moving')
          assert.equal(await piecesOf('moving', tx), 0)
        })
      })
    }

    /** Runs `second` while `first` is open: it must not end before. @returns its outcome */
    async function whileOpen<T>(
      first: (tx: Transaction) => Promise<unknown>,
      second: (db: Database) => Promise<T>,
      end: 'commit' | 'rollback' = 'commit',
    ): Promise<T> {
      let ended = false
      let outcome: Promise<T> | undefined
      const whole = database.transaction(async (tx) => {
        await first(tx)
        outcome = second(database).finally(() => {
          ended = true
        })
        for (let turn = 0; turn < 5; turn++) await database.query('SELECT 1')
        assert.ok(!ended, 'it did not wait')
        if (end === 'rollback') throw new Error('rolled back')
      })
      await whole.catch((error: Error) => assert.equal(error.message, 'rolled back'))
      return outcome as Promise<T>
    }

    function locks() {
      test('a guarded statement lets no more through than there is, however many come at once', async () => {
        await put('guarded', 5)
        const taken = await Promise.all(Array.from({ length: 12 }, () => take('guarded')))
        assert.deepEqual([taken.filter((count) => count === 1).length, await piecesOf('guarded')], [5, 0])
      })

      test('who updates a row that is being updated waits, and then sees the new one', async () => {
        await put('contended', 1)
        assert.equal(
          await whileOpen(
            (tx) => take('contended', tx),
            () => take('contended'),
          ),
          0,
        )
        await put('contended-again', 1)
        assert.equal(
          await whileOpen(
            (tx) => take('contended-again', tx),
            () => take('contended-again'),
            'rollback',
          ),
          1,
        )
      })

      test('FOR UPDATE waits, SKIP LOCKED passes by', async () => {
        for (const sku of ['queue-1', 'queue-2']) await put(sku, 1)
        const next = `SELECT sku FROM shelf WHERE sku LIKE 'queue-%' ORDER BY sku LIMIT 1 FOR UPDATE`
        const lockFirst = (tx: Transaction) => tx.query(`SELECT 1 FROM shelf WHERE sku = 'queue-1' FOR UPDATE`)
        await database.transaction(async (tx) => {
          await lockFirst(tx)
          const rows = await database.transaction((other) => other.query(`${next} SKIP LOCKED`))
          assert.deepEqual(rows, [{ sku: 'queue-2' }])
        })
        assert.deepEqual(await whileOpen(lockFirst, (db) => db.transaction((tx) => tx.query(next))), [
          { sku: 'queue-1' },
        ])
      })

      test('of two who wait for each other one is told so', async () => {
        for (const sku of ['circle-1', 'circle-2']) await put(sku, 9)
        const both = Promise.withResolvers<void>()
        let entered = 0
        const cross = (mine: string, other: string) =>
          database.transaction(async (tx) => {
            await take(mine, tx)
            if (++entered === 2) both.resolve()
            await both.promise
            await take(other, tx)
          })
        const outcomes = await Promise.allSettled([cross('circle-1', 'circle-2'), cross('circle-2', 'circle-1')])
        const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
        assert.equal(failed.length, 1)
        assert.ok(codeOf('40P01')(failed[0]?.reason))
        assert.equal(await piecesOf('circle-1'), 8)
      })
    }

    function constraints() {
      test('each constraint says no in its own words', async () => {
        await put('constrained', 1)
        await assert.rejects(put('constrained', 1), (error) => isUniqueViolation(error, 'shelf_pkey'))
        await assert.rejects(put('below', -1), codeOf('23514'))
        await assert.rejects(database.execute('INSERT INTO shelf (sku) VALUES ($1)', ['none']), codeOf('23502'))
        await assert.rejects(database.execute('INSERT INTO notes (sku) VALUES ($1)', ['nobody']), codeOf('23503'))
        const note = () => database.execute('INSERT INTO notes (sku, at) VALUES ($1, $2)', ['constrained', new Date(0)])
        await note()
        await assert.rejects(note(), (error) => isUniqueViolation(error, 'notes_once'))
        await assert.rejects(database.query('SELECT $1::uuid', ['not one']), codeOf('22P02'))
        await assert.rejects(put('too-many', 3_000_000_000), codeOf('22003'))
      })

      test('a column that may be empty from now on may be empty', async () => {
        await database.execute('CREATE TABLE visitors (id integer PRIMARY KEY, name text NOT NULL)')
        const visit = () => database.execute('INSERT INTO visitors (id) VALUES (1)')
        await assert.rejects(visit(), codeOf('23502'))
        await database.execute('ALTER TABLE visitors ALTER COLUMN name DROP NOT NULL')
        assert.equal(await visit(), 1)
      })

      test('a check gives way to a wider one under its name, and one that is not there cannot go', async () => {
        const checked = (kinds: string) => `CHECK (kind IN (${kinds}))`
        await database.execute(
          `CREATE TABLE doors (id integer PRIMARY KEY, kind text NOT NULL ${checked("'in', 'out'")})`,
        )
        const add = (id: number, kind: string) => database.execute('INSERT INTO doors VALUES ($1, $2)', [id, kind])
        await assert.rejects(add(1, 'side'), codeOf('23514'))
        await database.execute('ALTER TABLE doors DROP CONSTRAINT doors_kind_check')
        await database.execute(`ALTER TABLE doors ADD CONSTRAINT doors_kind_check ${checked("'in', 'out', 'side'")}`)
        assert.equal(await add(1, 'side'), 1)
        await assert.rejects(add(2, 'back'), codeOf('23514'))
        await assert.rejects(database.execute('ALTER TABLE doors DROP CONSTRAINT doors_size_check'), codeOf('42704'))
      })

      test('NULLs are equal to nothing, not even to each other', async () => {
        const note = () => database.execute('INSERT INTO notes (sku, at) VALUES (NULL, $1)', [new Date(1)])
        assert.deepEqual([await note(), await note()], [1, 1])
        assert.deepEqual(await database.query('SELECT 1 AS one FROM notes WHERE sku = NULL'), [])
      })
    }

    function conflicts() {
      const insert = (sku: string, db: Pick<Database, 'execute'> = database) =>
        db.execute('INSERT INTO shelf (sku, pieces) VALUES ($1, 1) ON CONFLICT DO NOTHING', [sku])

      test('a key that somebody else is just taking is waited for', async () => {
        assert.equal(
          await whileOpen(
            (tx) => put('taking', 1, tx),
            () => insert('taking'),
          ),
          0,
        )
        assert.equal(
          await whileOpen(
            (tx) => put('giving', 1, tx),
            () => insert('giving'),
            'rollback',
          ),
          1,
        )
        const doomed = whileOpen(
          (tx) => put('both', 1, tx),
          () => put('both', 2).catch((error: unknown) => error),
        )
        assert.ok(isUniqueViolation(await doomed))
      })

      test('a key whose row is just being updated is waited for too', async () => {
        await put('updating', 2)
        assert.equal(
          await whileOpen(
            (tx) => take('updating', tx),
            () => insert('updating'),
          ),
          0,
        )
      })

      test('ON CONFLICT DO UPDATE adds to what is there', async () => {
        const add = () =>
          database.query<{ pieces: number }>(
            `INSERT INTO shelf (sku, pieces) VALUES ('added', 2)
             ON CONFLICT (sku) DO UPDATE SET pieces = shelf.pieces + excluded.pieces RETURNING pieces`,
          )
        const sums = (await Promise.all([add(), add(), add()])).map(([row]) => row?.pieces)
        assert.deepEqual(sums.toSorted(), [2, 4, 6])
      })
    }

    function sessions() {
      const tryLock = async (db: Pick<Database, 'query'>, key: number, scope: 'xact' | 'session') => {
        const name = scope === 'xact' ? 'pg_try_advisory_xact_lock' : 'pg_try_advisory_lock'
        return (await db.query<{ won: boolean }>(`SELECT ${name}($1) AS won`, [key]))[0]?.won
      }

      test('an advisory lock of a transaction ends with it', async () => {
        await database.transaction(async (tx) => {
          assert.equal(await tryLock(tx, 1, 'xact'), true)
          assert.equal(await tryLock(tx, 1, 'xact'), true)
          assert.equal(await tryLock(database, 1, 'xact'), false)
        })
        assert.equal(await tryLock(database, 1, 'xact'), true)
      })

      test('an advisory lock of a session ends with the session, and is waited for', async () => {
        const session = await database.session()
        assert.equal(await tryLock(session, 2, 'session'), true)
        const waiting = database.transaction(async (tx) => {
          await tx.query('SELECT pg_advisory_xact_lock($1)', [2])
          return 'got it'
        })
        assert.equal(await tryLock(database, 2, 'xact'), false)
        session.end()
        assert.equal(await waiting, 'got it')
      })

      test('who listens hears of a commit, never of a rollback', async () => {
        const session: Session = await database.session()
        const heard: string[] = []
        session.onNotification((channel) => heard.push(channel))
        await session.execute('LISTEN good')
        await session.execute('LISTEN bad')
        await database.transaction(async (tx) => void (await tx.query('NOTIFY good')))
        await assert.rejects(
          database.transaction(async (tx) => {
            await tx.query('NOTIFY bad')
            throw new Error('no')
          }),
        )
        while (heard.length === 0) await session.query('SELECT 1')
        assert.deepEqual(heard, ['good'])
        session.end()
      })
    }

    function values() {
      test('values come back in the shapes of the driver', async () => {
        await put('values', 1)
        const at = new Date('2026-02-03T04:05:06.789Z')
        const [row] = await database.query(
          `INSERT INTO notes (sku, body, tags, at, amount) VALUES ($1, $2, $3, $4, $5)
           RETURNING sku, body, tags, at, amount, body ->> 'a' AS a, id > 0 AS "hasId"`,
          ['values', JSON.stringify({ a: [1, null] }), ['x', 'y'], at, 9_007_199_254_740_991],
        )
        assert.deepEqual(row, {
          sku: 'values',
          body: { a: [1, null] },
          tags: ['x', 'y'],
          at,
          amount: '9007199254740991',
          a: '[1,null]',
          hasId: true,
        })
      })

      test('arrays become rows, rows become sums', async () => {
        const rows = await database.query(
          `SELECT kind, count(*)::int AS count, coalesce(sum(size) FILTER (WHERE size > 1), 0)::bigint AS large
           FROM unnest($1::text[], $2::int[]) AS row (kind, size) GROUP BY kind HAVING count(*) > 0 ORDER BY kind DESC`,
          [
            ['b', 'a', 'b'],
            [1, 1, 7],
          ],
        )
        assert.deepEqual(rows, [
          { kind: 'b', count: 2, large: '7' },
          { kind: 'a', count: 1, large: '0' },
        ])
      })

      test('one statement moves pieces and notes it', async () => {
        await put('moved', 4)
        const rows = await database.query(
          `WITH moved AS (
             UPDATE shelf SET pieces = shelf.pieces + row.by FROM unnest($1::text[], $2::int[]) AS row (sku, by)
             WHERE shelf.sku = row.sku AND shelf.pieces + row.by BETWEEN 0 AND 10 RETURNING shelf.sku, shelf.pieces
           ), noted AS (INSERT INTO notes (sku, amount) SELECT sku, pieces FROM moved)
           SELECT sku, pieces FROM moved`,
          [
            ['moved', 'missing'],
            [-3, 1],
          ],
        )
        assert.deepEqual(rows, [{ sku: 'moved', pieces: 1 }])
        const notes = await database.query(
          `DELETE FROM notes USING shelf WHERE notes.sku = shelf.sku AND notes.sku = 'moved' RETURNING amount`,
        )
        assert.deepEqual(notes, [{ amount: '1' }])
      })
    }

    /** Connections that broke while idle are found out by whoever uses them first. */
    const worksAgain = () =>
      until(
        () =>
          database.query('SELECT 1').then(
            () => true,
            () => false,
          ),
        { what: 'the database has new connections' },
      )

    function faults() {
      test('a commit whose answer is lost has happened, and the client is told that nobody knows', async () => {
        const lost = database.transaction(async (tx) => {
          await put('lost-answer', 1, tx)
          await harness.loseAnswers()
        })
        const outcome = lost.catch((error: unknown) => error)
        while ((await piecesOf('lost-answer', harness.observer)) === undefined) await harness.observer.query('SELECT 1')
        await harness.breakConnections()
        assert.ok(isUnavailable(await outcome))
        assert.equal(await piecesOf('lost-answer', harness.observer), 1)
        await worksAgain()
      })

      test('a connection that breaks in the middle leaves nothing behind, no lock either', async () => {
        await put('broken', 1)
        const doomed = database.transaction(async (tx) => {
          await take('broken', tx)
          await harness.breakConnections()
          await take('broken', tx)
        })
        await assert.rejects(doomed, isUnavailable)
        assert.equal(await take('broken', harness.observer), 1)
        assert.equal(await piecesOf('broken', harness.observer), 0)
        await worksAgain()
      })
    }
  })
}
