import { Socket } from 'node:net'
import { crashPoint } from '@micromart/telemetry/crash-points'
import { Pool, type PoolClient } from 'pg'
import { isUnavailable } from './errors.ts'

/** Runs SQL. Each text is prepared once per connection, so texts must be constant and values go in `values`. */
export interface Queryable {
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** The number of rows that the statement touched. */
  execute(text: string, values?: readonly unknown[]): Promise<number>
}

export interface Transaction extends Queryable {
  /** Sends a statement without waiting for its answer; the commit waits, and fails with its error (or with what `onError` makes of it). */
  write(text: string, values: readonly unknown[], onError?: (error: unknown) => unknown): void
  /** Runs once the commit has been answered; for waking workers, never for effects that must not be lost. */
  afterCommit(action: () => void): void
}

export interface Database extends Queryable {
  /** Commits when `work` resolves, rolls back when it throws. Nothing remote belongs inside. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** A connection of its own, for session state such as LISTEN and advisory locks. Released by its `end`. */
  session(): Promise<Session>
  close(): Promise<void>
}

export interface Session extends Queryable {
  onNotification(listener: (channel: string) => void): void
  /** Resolves when the server or the network has ended the session. */
  readonly ended: Promise<void>
  end(): void
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Most connections at once; default 5. */
  readonly poolSize?: number
  /** Shown by the server for each connection. */
  readonly applicationName?: string
  /** Told about connections that broke while idle. */
  readonly onIdleError?: (error: Error) => void
}

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolSize ?? 5,
    application_name: options.applicationName ?? 'micromart',
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    pipeline: true,
    stream: () => new TurnSocket(),
  })
  pool.on('error', (error) => options.onIdleError?.(error))
  const statements = new Map<string, string>()
  const prepared = (text: string, values: readonly unknown[] = []) => {
    let name = statements.get(text)
    if (name === undefined) {
      name = `s${statements.size}`
      statements.set(text, name)
    }
    return { name, text, values: values as unknown[] }
  }
  const queryable = (client: Pool | PoolClient): Queryable => ({
    query: async <Row>(text: string, values?: readonly unknown[]) =>
      (await client.query(prepared(text, values))).rows as readonly Row[],
    execute: async (text, values) => (await client.query(prepared(text, values))).rowCount ?? 0,
  })
  return {
    ...queryable(pool),
    transaction: async (work) => {
      const client = await pool.connect()
      const actions: (() => void)[] = []
      const sent = createSent()
      let broken = false
      try {
        sent.add(client.query(prepared('BEGIN')))
        const result = await work({
          ...queryable(client),
          write: (text, values, onError) => sent.add(client.query(prepared(text, values)), onError),
          afterCommit: (action) => actions.push(action),
        })
        await crashPoint('commit.before')
        sent.add(client.query(prepared('COMMIT'))) // after a failed statement the server takes it for a rollback
        await sent.answered()
        await crashPoint('commit.after')
        for (const action of actions) action()
        return result
      } catch (error) {
        const cause = sent.failure() ?? error // whatever follows a failed statement fails too, and does not say why
        broken = isUnavailable(cause) || !(await rolledBack(client))
        throw cause
      } finally {
        client.release(broken)
      }
    },
    session: async () => {
      const client = await pool.connect()
      const ended = new Promise<void>((resolve) => client.once('end', resolve).once('error', () => resolve()))
      return {
        ...queryable(client),
        onNotification: (listener) => client.on('notification', ({ channel }) => listener(channel)),
        ended,
        end: () => client.release(true),
      }
    },
    close: () => pool.end(),
  }
}

/** What is sent within one turn of the event loop goes out together: most statements of a transaction in one write. */
class TurnSocket extends Socket {
  #held = false

  /** The driver corks around every statement; here the first of a turn also holds back the others. */
  override cork(): void {
    super.cork()
    if (this.#held) return
    this.#held = true
    super.cork()
    process.nextTick(() => {
      this.#held = false
      this.uncork()
    })
  }
}

/** Statements on their way: the first failure is the one that explains the others. */
function createSent() {
  const answers: Promise<void>[] = []
  let failure: { readonly error: unknown } | undefined
  return {
    add: (answer: Promise<unknown>, onError: (error: unknown) => unknown = (error) => error) => {
      const noted = answer.then(
        () => {},
        (error) => {
          failure ??= { error: onError(error) }
        },
      )
      answers.push(noted)
    },
    answered: async () => {
      await Promise.all(answers)
      if (failure) throw failure.error
    },
    failure: () => failure?.error,
  }
}

async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false // the connection is gone, and the server rolls back by itself
  }
}
