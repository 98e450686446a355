import { type EmbeddedPostgres, startEmbeddedPostgres } from '@micromart/embedded-postgres/embedded-postgres'

/** The campaign's own PostgreSQL: a server that may be hurt. */
export interface PostgresServer {
  /** The superuser's URL, past all proxies. */
  readonly url: string
  readonly port: number
  alive(): boolean
  /** `SIGQUIT` is its immediate shutdown, `SIGKILL` leaves its children behind. */
  crash(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void>
  /** Starts it again if it is not running. */
  start(): Promise<void>
  stop(): Promise<void>
}

const SETTINGS = { max_connections: '400', shared_buffers: '128MB' }
const START_TRIES = 20
const BETWEEN_TRIES_MS = 250

export async function startPostgresServer(options: { dataDir: string; port: number }): Promise<PostgresServer> {
  let server: EmbeddedPostgres | undefined

  const startOnce = async () => {
    const started = await startEmbeddedPostgres({ ...options, settings: SETTINGS })
    server = started
    void started.exited.then(() => {
      if (server === started) server = undefined
    })
    return started
  }
  const start = async () => {
    for (let attempt = 1; server === undefined; attempt += 1)
      try {
        await startOnce()
      } catch (error) {
        if (attempt === START_TRIES) throw error // until then its killed children may still be going
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS))
      }
  }
  const { url, port } = await startOnce()
  return {
    url,
    port,
    alive: () => server !== undefined,
    crash: async (signal) => {
      const running = server
      if (!running) return
      process.kill(running.pid, signal)
      await running.exited
    },
    start,
    stop: async () => server?.stop(),
  }
}
