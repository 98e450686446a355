import type { AdvisoryLocks } from './advisory-locks.ts'
import type { Execution } from './execution.ts'
import { type Holder, MustWait, type Row, type Table, WriteSet } from './tables.ts'
import { notSimulated, SqlError } from './values.ts'

/** What the sessions of one server share. */
export interface Hall {
  readonly tables: Map<string, Table>
  readonly options: {
    readonly now: () => number
    readonly shuffle?: <T>(items: readonly T[]) => readonly T[]
  }
  readonly sessions: Set<Session>
  readonly advisory: AdvisoryLocks<Session>
}

/** One connection, and the transaction that it is in. */
export interface Session extends Holder {
  listening: Set<string>
  listener: (channel: string) => void
  writes: WriteSet
  /** In a transaction block: open, or failed and waiting for its ROLLBACK. */
  block: 'none' | 'open' | 'failed'
  notifications: string[]
  waitingFor: Session | undefined
  /** Settles when this session lets go of its locks. */
  released: PromiseWithResolvers<void>
}

export function newSession(id: number): Session {
  const session = {
    id,
    listening: new Set<string>(),
    listener: () => {},
    block: 'none',
    notifications: [],
    waitingFor: undefined,
    released: Promise.withResolvers<void>(),
  } as Omit<Session, 'writes'> as Session
  session.writes = new WriteSet(session)
  return session
}

export function executionFor(hall: Hall, session: Session): Execution {
  const { options, tables } = hall
  return {
    now: options.now,
    tables,
    writes: session.writes,
    named: new Map(),
    scan: ({ rows }): readonly Row[] => (options.shuffle ? options.shuffle([...rows]) : [...rows]),
    tryLock: (key, scope) => hall.advisory.take(session, key, scope) === undefined,
    lock: (key, scope) => {
      const holder = hall.advisory.take(session, key, scope)
      if (holder) throw new MustWait(holder)
    },
    unlock: (key) => {
      const had = hall.advisory.unlock(session, key)
      if (had) release(session)
      return had
    },
  }
}

export function control(hall: Hall, session: Session, verb: string) {
  switch (verb) {
    case 'TRANS_STMT_BEGIN':
      session.block = 'open'
      break
    case 'TRANS_STMT_COMMIT':
      finish(hall, session, session.block === 'failed' ? 'rollback' : 'commit')
      break
    case 'TRANS_STMT_ROLLBACK':
      finish(hall, session, 'rollback')
      break
    default:
      throw notSimulated(verb)
  }
}

export function finish(hall: Hall, session: Session, outcome: 'commit' | 'rollback') {
  const { writes, notifications } = session
  if (outcome === 'commit') writes.commit()
  else writes.rollback()
  session.block = 'none'
  session.waitingFor = undefined
  session.notifications = []
  if (outcome === 'commit') for (const channel of new Set(notifications)) announce(hall, channel)
  hall.advisory.endTransaction(session)
  release(session)
}

function announce({ sessions }: Hall, channel: string) {
  for (const { listening, listener } of sessions) if (listening.has(channel)) queueMicrotask(() => listener(channel))
}

export function fail(hall: Hall, session: Session) {
  if (session.block === 'open') {
    session.writes.rollback()
    session.block = 'failed'
    release(session)
  } else if (session.block === 'none') finish(hall, session, 'rollback')
}

export function release(session: Session) {
  const { resolve } = session.released
  session.released = Promise.withResolvers()
  resolve()
}

/** Whoever waits and would close a circle is told so, as the server tells one of them. */
export function wait(hall: Hall, session: Session, holder: Session): { readonly waitFor: Promise<void> } {
  for (let next: Session | undefined = holder; next; next = next.waitingFor)
    if (next === session) {
      fail(hall, session)
      throw new SqlError('40P01', 'deadlock detected')
    }
  session.waitingFor = holder
  return { waitFor: holder.released.promise }
}
