import type { Answering, Driver } from '@micromart/postgres/driver'
import type { ServerSession, SimulatedServer } from '../store/server.ts'

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

interface Link {
  readonly server: SimulatedServer
  readonly wire: Wire
}

/** What the `pg` driver is elsewhere: a bounded number of connections, and sessions of their own, each with its statements in order. */
export function simulatedDriver(link: Link, size: number): Driver {
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
    const connection = openConnection(link)
    const release = () => {
      connection.end()
      leave()
    }
    return { query: connection.query, release }
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
    session: async () => {
      const connection = openConnection(link)
      await connection.query({ text: 'SELECT 1' })
      return connection
    },
    close: async () => {},
  }
}

function openConnection({ server, wire }: Link) {
  const session = server.connect()
  const { promise: ended, resolve: tellEnded } = Promise.withResolvers<void>()
  let lost: ConnectionLost | undefined
  let previous: Promise<unknown> = Promise.resolve()

  const lose = (what: string) => {
    if (lost) return
    lost = new ConnectionLost(what)
    session.end()
    tellEnded()
  }
  const forget = wire.register({ end: () => session.end(), lose: () => lose('the server went down') })

  const send = async (text: string, values: readonly unknown[]) => {
    if (lost) throw lost
    const perform = () => answerTo(session, { text, values, wire, lost: () => lost })
    try {
      return await wire.carry(text, perform)
    } catch (error) {
      if (error instanceof ConnectionLost) lose(error.message)
      throw error
    }
  }
  const query: Answering['query'] = ({ text, values = [] }) => {
    const answer = previous.then(() => send(text, values))
    previous = answer.catch(() => {})
    return answer
  }
  return {
    query,
    onNotification: (listener: (channel: string) => void) => session.onNotification(listener),
    ended,
    end: () => {
      forget()
      session.end()
    },
  }
}

/** Tries again until nobody is in the way. */
async function answerTo(
  session: ServerSession,
  statement: { text: string; values: readonly unknown[]; wire: Wire; lost: () => Error | undefined },
) {
  for (;;) {
    const lost = statement.lost()
    if (lost) throw lost
    const answer = session.run(statement.text, statement.values)
    if ('rows' in answer) return { rows: answer.rows as unknown[], rowCount: answer.count }
    await answer.waitFor
    await statement.wire.moment()
  }
}
