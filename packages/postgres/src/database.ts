import { currentContext } from '@micromart/telemetry/context'
import { crashPoint } from '@micromart/telemetry/crash-points'
import { inTime } from '@micromart/telemetry/in-time'
import { type Answering, type Driver, type DriverOptions, pgDriver, type SessionOptions } from './driver.ts'
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
  /**
   * Commits when `work` resolves, rolls back when it throws. Nothing remote belongs inside. The deadline of the request bounds the wait for a
   * connection, here and for single statements; what has begun goes on, and after a commit there is no hurry any more.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** A connection of its own beside the pool, for session state such as LISTEN and advisory locks. Closed by its `end`. */
  session(options?: SessionOptions): Promise<Session>
  close(): Promise<void>
}

export interface Session extends Queryable {
  onNotification(listener: (channel: string) => void): void
  /** Resolves when the server or the network has ended the session. */
  readonly ended: Promise<void>
  end(): void
}

export type DatabaseOptions = DriverOptions

export const openDatabase = (options: DatabaseOptions): Database => databaseOn(pgDriver(options))

export function databaseOn(driver: Driver): Database {
  const statements = new Map<string, string>()
  const prepared = (text: string, values: readonly unknown[] = []) => {
    let name = statements.get(text)
    if (name === undefined) {
      name = `s${statements.size}`
      statements.set(text, name)
    }
    return { name, text, values: values as unknown[] }
  }
  const queryable = (client: Answering): Queryable => ({
    query: async <Row>(text: string, values?: readonly unknown[]) =>
      (await client.query(prepared(text, values))).rows as readonly Row[],
    execute: async (text, values) => (await client.query(prepared(text, values))).rowCount ?? 0,
  })
  const connect = () =>
    inTime(
      () => driver.connect(),
      (late) => late.release(),
    )
  return {
    ...queryable(answeredInTime(driver, connect)),
    transaction: async (work) => {
      const client = await connect()
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
        currentContext()?.deadline?.lift() // what is done must be told
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
    session: async (options = {}) => {
      const connection = await driver.session(options)
      const { onNotification, ended, end } = connection
      return { ...queryable(connection), onNotification, ended, end }
    },
    close: () => driver.close(),
  }
}

const isHurried = () => currentContext()?.deadline !== undefined

/** Single statements: who has a deadline waits for a connection no longer than that, and then for the answer. */
function answeredInTime(driver: Driver, connect: Driver['connect']): Answering {
  const inTurn: Answering['query'] = async (statement) => {
    const client = await connect()
    let broken = true
    try {
      const answer = await client.query(statement)
      broken = false
      return answer
    } finally {
      client.release(broken)
    }
  }
  return { query: (statement) => (isHurried() ? inTurn(statement) : driver.query(statement)) }
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

async function rolledBack(client: Answering): Promise<boolean> {
  try {
    await client.query({ text: 'ROLLBACK' })
    return true
  } catch {
    return false // the connection is gone, and the server rolls back by itself
  }
}
