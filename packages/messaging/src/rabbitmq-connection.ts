import { type ChannelModel, connect } from 'amqplib'

/** What the adapter says to its operator; pino's logger fits. */
export interface BrokerLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface KeptConnection {
  /** The present connection; undefined while there is none. */
  current(): ChannelModel | undefined
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 1_000

/**
 * Keeps a connection for as long as it is not closed: connects in the background, tells `onConnected` about each new connection (which
 * declares its topology and attaches its consumers), and comes back with back-off and jitter when one is lost.
 */
export function keepConnected(options: {
  url: string
  log: BrokerLog
  onConnected: (connection: ChannelModel) => Promise<void>
}): KeptConnection {
  const { log } = options
  let current: ChannelModel | undefined
  let closing = false
  let wake: (() => void) | undefined

  const once = async (): Promise<void> => {
    const connection = await connect(withHeartbeat(options.url), { timeout: 3_000 })
    const lost = new Promise<void>((resolve) => {
      connection.once('close', () => resolve())
      connection.on('error', (err) => log.warn({ err }, 'RabbitMQ broke the connection'))
    })
    try {
      await options.onConnected(connection)
      current = connection
      log.info({}, 'connected to RabbitMQ')
      if (closing) await connection.close()
      await lost
    } catch (error) {
      await connection.close().catch(() => {})
      throw error
    } finally {
      current = undefined
    }
  }

  const run = async () => {
    for (let attempt = 0; !closing; attempt++) {
      try {
        await once()
        attempt = 0
      } catch (err) {
        log.warn({ err }, 'RabbitMQ cannot be used right now; trying again')
      }
      if (!closing)
        await pause(
          Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10)) * (0.8 + Math.random() * 0.4),
        )
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const running = run()
  return {
    current: () => current,
    close: async () => {
      closing = true
      wake?.()
      await current?.close().catch(() => {})
      await running
    },
  }
}

/** A peer that is silent for two to three of these is taken for dead. */
const HEARTBEAT_S = 2

function withHeartbeat(url: string): string {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_S))
  return parsed.href
}
