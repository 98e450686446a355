import { Socket } from 'node:net'
import { Client, Pool } from 'pg'
import { watchPulse } from './pulse.ts'

/** A statement that is prepared under its name. */
export interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
}

/** Whatever answers statements. */
export interface Answering {
  query(statement: Statement): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>
}

/** One connection out of the pool, until it is given back; a broken one is thrown away. */
export interface PooledConnection extends Answering {
  release(broken?: boolean): void
}

/** A connection of its own, beside the pool. */
export interface SessionConnection extends Answering {
  onNotification(listener: (channel: string) => void): void
  readonly ended: Promise<void>
  end(): void
}

export interface SessionOptions {
  /**
   * A session that must not be believed in when it is dead: it is asked every second, and silence for so long ends it
   * together with all connections of this database, because a network that swallows one swallows the others.
   */
  readonly patienceMs?: number
}

/** What a database needs of the machine: `pg` everywhere, but for the simulator. */
export interface Driver extends Answering {
  connect(): Promise<PooledConnection>
  session(options: SessionOptions): Promise<SessionConnection>
  close(): Promise<void>
}

export interface DriverOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Most connections at once, besides sessions; default 5. */
  readonly poolSize?: number
  /** Shown by the server for each connection. */
  readonly applicationName?: string
  /** A server that leaves a statement unanswered for so long is taken for gone, with its connection; default 10 s. */
  readonly answerWithinMs?: number
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

const settingsOf = (options: DriverOptions, stream: () => Socket) => ({
  connectionString: options.url,
  application_name: options.applicationName ?? 'micromart',
  connectionTimeoutMillis: 5_000,
  statement_timeout: 30_000,
  query_timeout: options.answerWithinMs ?? 10_000, // a half-open connection never breaks by itself
  idle_in_transaction_session_timeout: 30_000,
  options: Object.entries(NOTICE_LOST_CLIENTS)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' '),
  pipeline: true,
  stream,
})

export function pgDriver(options: DriverOptions): Driver {
  const sockets = createSockets()
  const settings = settingsOf(options, sockets.open)
  const pool = new Pool({ ...settings, max: options.poolSize ?? 5, idleTimeoutMillis: 30_000 })
  pool.on('error', (error) => options.onIdleError?.(error))
  // A connection that breaks between two statements of a transaction says so to its listeners, and without one ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    query: (statement) => pool.query(statement),
    connect: () => pool.connect(),
    session: async ({ patienceMs }) => {
      const client = new Client(settings)
      const ended = new Promise<void>((resolve) => void client.once('end', resolve).on('error', () => resolve()))
      await client.connect()
      if (patienceMs !== undefined) {
        const ask = () => client.query('SELECT 1')
        const stop = watchPulse({ ask, everyMs: PULSE_MS, patienceMs, onSilence: sockets.destroyAll })
        void ended.then(stop)
      }
      return {
        query: (statement) => client.query(statement),
        onNotification: (listener) => void client.on('notification', ({ channel }) => listener(channel)),
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
