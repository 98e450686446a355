import { createAdvisoryLocks } from './advisory-locks.ts'
import { parse } from './ast.ts'
import type { CompiledStatement, ResultColumn } from './execution.ts'
import { define, isDefinition } from './schema.ts'
import { control, executionFor, fail, finish, type Hall, newSession, release, type Session, wait } from './sessions.ts'
import { compileQuery, isQuery } from './statements.ts'
import { MustWait, type Table, type TableDefinition, type Tuple } from './tables.ts'
import { fromClient, notSimulated, SqlError, toClient, type Value } from './values.ts'

/**
 * A PostgreSQL server in memory, as far as MicroMart's own SQL needs one: PostgreSQL's parser, transactions at READ COMMITTED with row locks,
 * constraints, advisory locks, notifications. A statement never takes time here: it is answered at once, or says whom it has to wait for and is then run
 * again from its beginning (the server would only look again at the row it waited for). It passes the same conformance suite as the real one.
 */
export interface SimulatedServer {
  connect(): ServerSession
  /** An empty server with the same tables and a copy of the rows. */
  copy(options: ServerOptions): SimulatedServer
}

export interface ServerOptions {
  readonly now: () => number
  /** Any order of the rows that a scan finds; the order of writing without it. */
  readonly shuffle?: <T>(items: readonly T[]) => readonly T[]
  readonly record?: ((statement: StatementRecord) => void) | undefined
}

/** What one session asked and was answered, once it did not have to wait any more. */
export interface StatementRecord {
  readonly session: number
  readonly text: string
  readonly values: readonly Value[]
  readonly answer:
    | { readonly rows: readonly Record<string, unknown>[]; readonly count: number }
    | { readonly code: string; readonly constraint: string | undefined }
    | 'ended'
}

export type Answer =
  | { readonly rows: readonly Record<string, unknown>[]; readonly count: number }
  /** Run it again when this has settled. */
  | { readonly waitFor: Promise<void> }

export interface ServerSession {
  /** One statement, in a transaction of its own unless one is open. @throws SqlError */
  run(text: string, values: readonly Value[]): Answer
  onNotification(listener: (channel: string) => void): void
  /** The connection is gone: what is open is rolled back, and its locks are free. */
  end(): void
}

interface Shared {
  readonly catalogue: Map<string, TableDefinition>
  readonly compiled: Map<string, Statement>
}

type Statement =
  | { readonly kind: 'query'; readonly compiled: CompiledStatement }
  | {
      readonly kind: 'define'
      readonly apply: (server: { readonly tables: Map<string, Table>; readonly shared: Shared }) => void
    }
  | { readonly kind: 'transaction'; readonly verb: string }
  | { readonly kind: 'listen' | 'notify'; readonly channel: string }
  | { readonly kind: 'setting' }

export function startSimulatedServer(options: ServerOptions): SimulatedServer {
  return serve({ catalogue: new Map(), compiled: new Map() }, new Map(), options)
}

function serve(shared: Shared, tables: Map<string, Table>, options: ServerOptions): SimulatedServer {
  const server: Server = { shared, tables, options, sessions: new Set(), advisory: createAdvisoryLocks() }
  let sessions = 0
  return {
    connect: () => openSession(server, ++sessions),
    copy: (others) => serve(shared, new Map([...tables].map(([name, table]) => [name, copyOf(table)])), others),
  }
}

const copyOf = ({ definition, rows, nextIdentity }: Table): Table => ({
  definition,
  nextIdentity,
  rows: new Set([...rows].map(({ committed }) => ({ committed, pending: undefined, lockedBy: undefined }))),
})

interface Server extends Hall {
  readonly shared: Shared
  readonly options: ServerOptions
}

function openSession(server: Server, id: number): ServerSession {
  const session = newSession(id)
  server.sessions.add(session)
  const note = (text: string, values: readonly Value[], answer: StatementRecord['answer']) =>
    server.options.record?.({ session: id, text, values, answer })

  return {
    run: (text, values) => {
      try {
        const answer = runOrWait(server, session, { text, values })
        if ('rows' in answer) note(text, values, answer)
        return answer
      } catch (error) {
        if (error instanceof SqlError) note(text, values, { code: error.code, constraint: error.constraint })
        throw error
      }
    },
    onNotification: (listener) => {
      session.listener = listener
    },
    end: () => {
      note('', [], 'ended')
      finish(server, session, 'rollback')
      server.advisory.endSession(session)
      release(session)
      server.sessions.delete(session)
    },
  }
}

function runOrWait(server: Server, session: Session, asked: { text: string; values: readonly Value[] }): Answer {
  try {
    const statement = compiledStatement(server.shared, asked.text)
    return runStatement(server, session, { statement, values: asked.values.map(fromClient) })
  } catch (error) {
    if (error instanceof MustWait) return wait(server, session, error.holder as Session)
    fail(server, session)
    throw error
  }
}

function compiledStatement(shared: Shared, text: string): Statement {
  const known = shared.compiled.get(text)
  if (known) return known
  const { kind, node } = parse(text)
  const statement = statementOf(kind, node, shared)
  shared.compiled.set(text, statement)
  return statement
}

function statementOf(kind: string, node: Record<string, unknown>, shared: Shared): Statement {
  if (isQuery(kind)) return { kind: 'query', compiled: compileQuery(kind, node, shared.catalogue) }
  if (isDefinition(kind)) return { kind: 'define', apply: (server) => applyDefinition(kind, node, server) }
  switch (kind) {
    case 'TransactionStmt':
      return { kind: 'transaction', verb: String(node['kind']) }
    case 'ListenStmt':
    case 'NotifyStmt':
      return { kind: kind === 'ListenStmt' ? 'listen' : 'notify', channel: String(node['conditionname']) }
    case 'VariableSetStmt':
      return { kind: 'setting' }
    default:
      throw notSimulated(kind)
  }
}

function applyDefinition(
  kind: string,
  node: Record<string, unknown>,
  { tables, shared }: { tables: Map<string, Table>; shared: Shared },
) {
  if (!define(kind, node, shared.catalogue)) return
  shared.compiled.clear()
  for (const [name, definition] of shared.catalogue) {
    const table = tables.get(name)
    if (!table) tables.set(name, { definition, rows: new Set(), nextIdentity: 1 })
    else widen(table)
  }
}

/** A new column gets its default in every row that is there. */
function widen({ definition: { columns }, rows }: Table) {
  if ([...rows].every(({ committed }) => committed?.length === columns.length)) return
  const added = (tuple: Tuple) => [
    ...tuple,
    ...columns.slice(tuple.length).map(({ defaultValue }) => defaultValue?.() ?? null),
  ]
  for (const row of rows) row.committed = row.committed && added(row.committed)
}

function runStatement(
  server: Server,
  session: Session,
  { statement, values }: { statement: Statement; values: readonly Value[] },
): Answer {
  const none = { rows: [], count: 0 }
  if (session.block === 'failed' && statement.kind !== 'transaction')
    throw new SqlError('25P02', 'current transaction is aborted, commands ignored until end of transaction block')
  switch (statement.kind) {
    case 'setting':
      return none
    case 'transaction':
      control(server, session, statement.verb)
      return none
    case 'define':
      statement.apply(server)
      return none
    case 'listen':
      session.listening.add(statement.channel)
      return none
    case 'notify':
      session.notifications.push(statement.channel)
      if (session.block === 'none') finish(server, session, 'commit')
      return none
    case 'query':
      return runQuery(server, session, { compiled: statement.compiled, values })
  }
}

function runQuery(
  server: Server,
  session: Session,
  { compiled, values }: { compiled: CompiledStatement; values: readonly Value[] },
): Answer {
  const mark = session.writes.mark()
  try {
    const { columns, rows, count } = compiled.run(executionFor(server, session), values)
    session.waitingFor = undefined
    const answer = { rows: rows.map((row) => recordOf(row, columns)), count }
    if (session.block === 'none') finish(server, session, 'commit')
    return answer
  } catch (error) {
    session.writes.rewind(mark)
    throw error
  }
}

function recordOf(row: Tuple, columns: readonly ResultColumn[]): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (let index = 0; index < columns.length; index++) {
    const { name, type } = columns[index] as ResultColumn
    record[name] = toClient(row[index], type)
  }
  return record
}
