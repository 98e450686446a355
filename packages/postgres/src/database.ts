import { Socket } from 'node:net'
import { Client, Pool, type PoolClient } from 'pg'
import { isUnavailable } from './errors.ts'
import { watchPulse } from './pulse.ts'

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
  /** A connection of its own beside the pool, for session state such as LISTEN and advisory locks. Closed by its `end`. */
  session(options?: SessionOptions): Promise<Session>
  close(): Promise<void>
}

export interface SessionOptions {
  /**
   * A session that must not be believed in when it is dead: it is asked every second, and silence for so long ends it
   * together with all connections of this database, because a network that swallows one swallows the others.
   */
  readonly patienceMs?: number
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
  /** Most connections at once, besides sessions; default 5. */
  readonly poolSize?: number
  /** Shown by the server for each connection. */
  readonly applicationName?: string
  /** Told about connections that broke while idle. */
  readonly onIdleError?: (error: Error) => void
}

const PULSE_MS = 1_000

/** For the server, which then lets go of the locks of a client that has vanished without a word within about five seconds. */
const NOTICE_LOST_CLIENTS = {
  tcp_keepalives_idle: 2,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 5_000,
}

const settingsOf = (options: DatabaseOptions, stream: () => Socket) => ({
  connectionString: options.url,
  application_name: options.applicationName ?? 'micromart',
  connectionTimeoutMillis: 5_000,
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 30_000,
  options: Object.entries(NOTICE_LOST_CLIENTS)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' '),
  pipeline: true,
  stream,
})

export function openDatabase(options: DatabaseOptions): Database {
  const sockets = createSockets()
  const settings = settingsOf(options, sockets.open)
  const pool = new Pool({ ...settings, max: options.poolSize ?? 5, idleTimeoutMillis: 30_000 })
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
  const queryable = (client: Pool | PoolClient | Client): Queryable => ({
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
        sent.add(client.query(prepared('COMMIT'))) // after a failed statement the server takes it for a rollback
        await sent.answered()
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
    session: async ({ patienceMs } = {}) => {
      const client = new Client(settings)
      const ended = new Promise<void>((resolve) => void client.once('end', resolve).on('error', () => resolve()))
      await client.connect()
      if (patienceMs !== undefined) {
        const ask = () => client.query('SELECT 1')
        const stop = watchPulse({ ask, everyMs: PULSE_MS, patienceMs, onSilence: sockets.destroyAll })
        void ended.then(stop)
      }
      return {
        ...queryable(client),
        onNotification: (listener) => client.on('notification', ({ channel }) => listener(channel)),
        ended,
        end: () => void client.end().catch(() => {}),
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

function createSockets() {
  const open = new Set<Socket>()
  return {
    open: () => {
      const socket = new TurnSocket().setKeepAlive(true, 2_000, 1_000, 3) // an idle peer that is gone is noticed after five seconds
      open.add(socket.once('close', () => open.delete(socket)))
      return socket
    },
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
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
