import type { ConnectionPool, PooledConnection } from '@micromart/postgres/database'
import type { SimulatedServer } from '../store/server.ts'

/** Between a client and its server: decides when a statement arrives, and what becomes of its answer. */
export interface Wire {
  /**
   * Takes one statement there and its answer back. `perform` runs it on the server, waiting for locks; whoever never calls it has lost the statement,
   * whoever calls it and throws has lost the answer. What it throws ends the connection.
   */
  carry<T>(statement: string, perform: () => Promise<T>): Promise<T>
  /** A moment of chance before a statement that had to wait is tried again. */
  moment(): Promise<void>
  /** Knows the connection until the returned function is called: `end` when its process dies, `lose` when its server does. */
  register(connection: { end(): void; lose(): void }): () => void
}

export class ConnectionLost extends Error {
  readonly code = 'ECONNRESET'
  constructor(what: string) {
    super(`Connection terminated: ${what}`)
  }
}

interface Result {
  rows: unknown[]
  rowCount: number | null
}

/** What the `pg` pool is elsewhere: a bounded number of connections, each with its statements in order. */
export function simulatedPool({
  server,
  wire,
  size,
}: {
  server: SimulatedServer
  wire: Wire
  size: number
}): ConnectionPool {
  const waiting: (() => void)[] = []
  let open = 0

  const enter = async () => {
    if (open >= size) await new Promise<void>((resolve) => waiting.push(resolve))
    open += 1
  }
  const leave = () => {
    open -= 1
    waiting.shift()?.()
  }
  const connect = async () => {
    await enter()
    return openConnection(server, wire, leave)
  }
  return {
    connect,
    query: async (statement) => {
      const connection = await connect()
      try {
        return await connection.query(statement)
      } finally {
        connection.release()
      }
    },
    end: async () => {},
  }
}

function openConnection(server: SimulatedServer, wire: Wire, onRelease: () => void): PooledConnection {
  const session = server.connect()
  const ended = new Set<() => void>()
  let lost: ConnectionLost | undefined
  let previous: Promise<unknown> = Promise.resolve()

  const lose = (what: string) => {
    if (lost) return
    lost = new ConnectionLost(what)
    session.end()
    for (const listener of ended) listener()
  }
  const forget = wire.register({ end: () => session.end(), lose: () => lose('the server went down') })

  const perform = async (text: string, values: readonly unknown[]): Promise<Result> => {
    for (;;) {
      if (lost) throw lost
      const answer = session.run(text, values)
      if ('rows' in answer) return { rows: answer.rows as unknown[], rowCount: answer.count }
      await answer.waitFor
      await wire.moment()
    }
  }
  const send = async (text: string, values: readonly unknown[]): Promise<Result> => {
    if (lost) throw lost
    try {
      return await wire.carry(text, () => perform(text, values))
    } catch (error) {
      if (error instanceof ConnectionLost) lose(error.message)
      throw error
    }
  }

  return {
    query: ({ text, values = [] }) => {
      const answer = previous.then(() => send(text, values))
      previous = answer.catch(() => {})
      return answer
    },
    release: () => {
      forget()
      session.end()
      onRelease()
    },
    on: (_event, listener) => session.onNotification((channel) => listener({ channel })),
    once: (_event, listener) => ended.add(listener),
  }
}
