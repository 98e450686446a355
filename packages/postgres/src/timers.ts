import { randomUUID } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import { continueTrace, currentContext, runInContext, type WorkContext } from '@micromart/telemetry/context'
import { crashPoint, workingOn } from '@micromart/telemetry/crash-points'
import type { Logger } from '@micromart/telemetry/logger'
import { type Batcher, createBatcher } from './batcher.ts'
import type { Database, Transaction } from './database.ts'
import { keepTimerOwner, type TimerOwner } from './timer-owner.ts'
import { backOffMs, createWakeable } from './wakeable.ts'

/** Work that is due at a time. Its id is deterministic, so scheduling it twice is scheduling it once. */
export interface Timer<Data = unknown> {
  readonly id: string
  readonly kind: string
  /** What it is about, such as an order id. */
  readonly subject: string
  readonly data: Data
  readonly dueAt: Date
  /** What caused it; needed where one transaction serves many causes, otherwise the current context is taken. */
  readonly context?: WorkContext | undefined
}

export interface ClaimedTimer<Data = unknown> extends Timer<Data> {
  /** 1 for the first try. */
  readonly attempts: number
  readonly context: WorkContext
}

/** What to do when a timer of one kind is due. */
export interface TimerHandler<Data = never, Outcome = void> {
  readonly kind: string
  /** The remote part, outside any transaction, may run more than once: give the other side an idempotency key. A throw means again later. */
  perform?(timer: ClaimedTimer<Data>): Promise<Outcome>
  /** Records the outcomes, in the transaction that also deletes the timers. Outcomes are undefined without `perform`. */
  settle(tx: Transaction, done: readonly { timer: ClaimedTimer<Data>; outcome: Outcome }[]): Promise<void>
  /** How long a claim holds, and the longest wait between two tries; default 60 s each. */
  readonly leaseMs?: number
  readonly longestBackOffMs?: number
}

/** A handler whose data and outcome only itself knows. */
export type AnyTimerHandler = TimerHandler<never, unknown>

export interface Timers {
  schedule(tx: Transaction, timers: readonly Timer[]): Promise<void>
  /** One that fires at this very moment may still fire: what it settles has to bear that. */
  cancel(tx: Transaction, ids: readonly string[]): Promise<void>
}

export interface TimerWorker {
  wake(): void
  close(): Promise<void>
}

const SCHEDULE = `
  INSERT INTO timers (id, kind, subject, data, due_at, correlation_id, causation_id, traceparent)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
  ON CONFLICT (id) DO NOTHING`
const CLAIM = `
  UPDATE timers SET due_at = $1::timestamptz + $2 * interval '1 millisecond', attempts = attempts + 1, claimed_by = $5
  WHERE id IN (
    SELECT id FROM timers WHERE kind = $3 AND due_at <= $1 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
  )
  RETURNING id, kind, subject, data, due_at AS "dueAt", attempts,
    correlation_id AS "correlationId", causation_id AS "causationId", traceparent`
const FINISH = `
  DELETE FROM timers USING unnest($1::text[], $2::int[]) AS row (id, attempts)
  WHERE timers.id = row.id AND timers.attempts = row.attempts
  RETURNING timers.id`
/** A timer that is being settled right now is left to that: to wait for it while holding what it needs would be a deadlock. */
const CANCEL =
  'DELETE FROM timers WHERE id IN (SELECT id FROM timers WHERE id = ANY ($1::text[]) FOR UPDATE SKIP LOCKED)'
const FAIL = 'UPDATE timers SET due_at = $3, last_error = $4, claimed_by = NULL WHERE id = $1 AND attempts = $2'

const MOST_IN_FLIGHT = 100
const POLL_MS = 500

export function createTimers(wake: () => void): Timers {
  return {
    async schedule(tx, timers) {
      if (timers.length === 0) return
      const contexts = timers.map(({ context }) => context ?? currentContext())
      tx.write(SCHEDULE, [
        timers.map(({ id }) => id),
        timers.map(({ kind }) => kind),
        timers.map(({ subject }) => subject),
        timers.map(({ data }) => JSON.stringify(data)),
        timers.map(({ dueAt }) => dueAt),
        contexts.map((context) => context?.correlationId ?? randomUUID()),
        contexts.map((context, index) => context?.causationId ?? timers[index]?.id),
        contexts.map((context) => continueTrace(context?.traceparent)),
      ])
      tx.afterCommit(wake)
    },
    cancel: async (tx, ids) => {
      if (ids.length > 0) tx.write(CANCEL, [ids])
    },
  }
}

/**
 * Runs due timers until closed: claims them (SKIP LOCKED, so instances share the work), performs the remote part side by side,
 * and settles what is done in batches. A claim that outlived its lease, or its owner, is settled by whoever claimed it again, not twice.
 */
export function startTimers(options: {
  database: Database
  handlers: readonly AnyTimerHandler[]
  clock: Clock
  log: Logger
}): TimerWorker {
  if (options.handlers.length === 0) return { wake: () => {}, close: async () => {} }
  const wake = () => {
    for (const loop of loops) loop.wake()
  }
  const owner = keepTimerOwner({ ...options, onChange: wake })
  const loops = options.handlers.map((handler) =>
    runKind(handler as TimerHandler<unknown, unknown>, { ...options, owner }),
  )
  return {
    wake,
    close: async () => {
      await Promise.all(loops.map((loop) => loop.close()))
      await owner.close()
    },
  }
}

type Done = { readonly timer: ClaimedTimer; readonly outcome: unknown }

function runKind(
  handler: TimerHandler<unknown, unknown>,
  { database, clock, log, owner }: { database: Database; clock: Clock; log: Logger; owner: TimerOwner },
): TimerWorker {
  const wakeable = createWakeable()
  const named = () => [`timer:${handler.kind}`]
  let inFlight = 0
  let closing = false

  const release = (count: number) => {
    inFlight -= count
    if (inFlight + count >= MOST_IN_FLIGHT) wakeable.wake()
  }

  const fail = async (timer: ClaimedTimer, error: unknown) => {
    const again = new Date(
      clock.now().getTime() + backOffMs(timer.attempts, { mostMs: handler.longestBackOffMs ?? 60_000 }),
    )
    log.warn(
      { err: error, timer: timer.kind, subject: timer.subject, attempts: timer.attempts },
      'a timer failed; again later',
    )
    try {
      await database.execute(FAIL, [timer.id, timer.attempts, again, String(error).slice(0, 500)])
    } catch {
      // its lease brings it back
    }
    release(1)
  }

  const settleAll = (done: readonly Done[]) => workingOn(named, () => settleIn(done))

  const settleIn = (done: readonly Done[]) =>
    database.transaction(async (tx) => {
      const rows = await tx.query<{ id: string }>(FINISH, [
        done.map(({ timer }) => timer.id),
        done.map(({ timer }) => timer.attempts),
      ])
      const owned = new Set(rows.map(({ id }) => id))
      const mine = done.filter(({ timer }) => owned.has(timer.id))
      if (mine.length > 0) await handler.settle(tx, mine)
    })

  const settleEach = async (done: readonly Done[]) => {
    for (const one of done)
      try {
        await runInContext(one.timer.context, () => settleAll([one]))
        release(1)
      } catch (error) {
        await fail(one.timer, error)
      }
  }

  const settled: Batcher<Done> = createBatcher({
    flush: async (done) => {
      if (done.length === 1) return settleEach(done)
      try {
        await settleAll(done)
        release(done.length)
      } catch {
        await settleEach(done) // finds out which one it was
      }
    },
    onError: (error) => log.error({ err: error }, 'settling timers failed'),
  })

  const perform = async (timer: ClaimedTimer) => {
    if (!handler.perform) return undefined
    await crashPoint('provider-call.before', named)
    const outcome = await workingOn(
      () => [`call:${handler.kind}`],
      () => handler.perform?.(timer),
    )
    await crashPoint('provider-call.after', named)
    return outcome
  }

  const start = async (timer: ClaimedTimer) => {
    try {
      await crashPoint('timer-claim.after', named)
      settled.add({ timer, outcome: await runInContext(timer.context, () => perform(timer)) })
    } catch (error) {
      await fail(timer, error)
    }
  }

  const claim = async (): Promise<number> => {
    const room = MOST_IN_FLIGHT - inFlight
    const key = owner.key()
    if (room <= 0 || key === undefined) return 0
    const rows = await database.query<ClaimedTimer & WorkContext>(CLAIM, [
      clock.now(),
      handler.leaseMs ?? 60_000,
      handler.kind,
      room,
      key,
    ])
    inFlight += rows.length
    for (const { correlationId, causationId, traceparent, ...timer } of rows)
      void start({ ...timer, context: { correlationId, causationId, traceparent } })
    return rows.length
  }

  const claimSafely = async (): Promise<number> => {
    try {
      return await claim()
    } catch (error) {
      if (!closing) log.warn({ err: error, timer: handler.kind }, 'due timers could not be claimed; again later')
      return 0
    }
  }

  const run = async () => {
    while (!closing) if ((await claimSafely()) === 0 && !closing) await wakeable.pause(POLL_MS)
  }

  const running = run()
  return {
    wake: wakeable.wake,
    close: async () => {
      closing = true
      wakeable.wake()
      await running
      while (inFlight > 0) {
        await settled.idle()
        if (inFlight > 0) await wakeable.pause(20)
      }
    },
  }
}
