import { randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import type { Logger } from '@micromart/telemetry/logger'
import type { Database, Session } from './database.ts'
import { createWakeable } from './wakeable.ts'

/** The one in whose name a process claims timers; a session's advisory lock on its key shows that it lives. */
export interface TimerOwner {
  /** Undefined while there is no session: nothing may be claimed then. */
  key(): string | undefined
  close(): Promise<void>
}

const DEAD = `
  SELECT key FROM timer_owners
  WHERE key <> $1 AND (died_at IS NULL OR died_at < now() - interval '5 seconds') AND pg_try_advisory_xact_lock(key)`
const FREE = `
  UPDATE timers SET due_at = least(due_at, $2), claimed_by = NULL
  WHERE claimed_by = ANY ($1::bigint[])`
/** The server may still be finishing a last claim of the dead, so their key goes only after they were looked at a second time. */
const BURY = [
  'DELETE FROM timer_owners WHERE key = ANY ($1::bigint[]) AND died_at IS NOT NULL',
  'UPDATE timer_owners SET died_at = now() WHERE key = ANY ($1::bigint[])',
]

const LOOK_MS = 500
const PATIENCE_MS = 4_000

/**
 * Holds a key of its own for as long as its session lasts, a new one for each session, and frees the claims of those whose session
 * has ended: a killed process is replaced within a second, one that is only slow keeps what it has claimed until its lease ends.
 * `onChange` is called when there is a new key or something was freed.
 */
export function keepTimerOwner(options: {
  database: Database
  clock: Clock
  log: Logger
  onChange: () => void
}): TimerOwner {
  const { database, clock, log, onChange } = options
  const wakeable = createWakeable()
  let key: string | undefined
  let closing = false

  const free = () =>
    database.transaction(async (tx) => {
      const dead = (await tx.query<{ key: string }>(DEAD, [key ?? '0'])).map((row) => row.key)
      if (dead.length === 0) return
      const freed = await tx.execute(FREE, [dead, clock.now()])
      for (const statement of BURY) await tx.execute(statement, [dead])
      if (freed === 0) return
      log.warn({ timers: freed }, 'timers of a process that is gone were taken over')
      tx.afterCommit(onChange)
    })

  const look = async (session: Session) => {
    const dead = await session.query(DEAD, [key])
    if (dead.length > 0) await free()
  }

  const hold = async (session: Session, own: string) => {
    await session.query('SELECT pg_advisory_lock($1)', [own])
    await session.execute('INSERT INTO timer_owners (key) VALUES ($1)', [own])
    key = own
    onChange()
    void session.ended.then(() => {
      if (key === own) key = undefined
    })
    while (!closing && key === own) {
      await look(session).catch(complain) // whose session lives still owns what it has claimed
      await wakeable.pause(LOOK_MS)
    }
  }

  const live = async () => {
    const own = String(randomBytes(6).readUIntBE(0, 6))
    const session = await database.session({ patienceMs: PATIENCE_MS })
    try {
      await hold(session, own)
      await session.execute('DELETE FROM timer_owners WHERE key = $1', [own])
    } finally {
      key = undefined
      session.end()
    }
  }

  const complain = (error: unknown) => {
    if (!closing) log.warn({ err: error }, 'the claims of timers cannot be looked after; trying again')
  }

  const run = async () => {
    while (!closing) {
      await live().catch(complain)
      if (!closing) await wakeable.pause(LOOK_MS)
    }
  }

  const running = run()
  return {
    key: () => key,
    close: async () => {
      closing = true
      wakeable.wake()
      await running
    },
  }
}
