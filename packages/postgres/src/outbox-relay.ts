import type { Envelope } from '@micromart/contracts/envelope'
import type { Clock } from '@micromart/kernel/clock'
import { crashPoint } from '@micromart/telemetry/crash-points'
import type { Logger } from '@micromart/telemetry/logger'
import { createBatcher } from './batcher.ts'
import type { Database, Session } from './database.ts'
import { backOffMs, createWakeable } from './wakeable.ts'

/** The broker as the relay sees it: one promise a message, in order; see the broker port for what a confirm means. */
export type Publish = (
  messages: readonly Envelope[],
) => readonly Promise<{ confirmed: true } | { confirmed: false; reason: string; detail: string }>[]

export interface OutboxRelay {
  /** There may be something to publish. */
  wake(): void
  /** Stops taking rows and waits until what is on its way is marked or given up. */
  close(): Promise<void>
}

interface Row {
  readonly id: string
  readonly envelope: Envelope
  readonly attempts: number
}

type Settled = Row & { readonly failure: string | undefined; readonly brokerAway: boolean }

const BATCH = 200
const MOST_IN_FLIGHT = 2_000
const POLL_MS = 1_000
/** How soon one that does not lead notices that nobody does, and how long a silent database is believed in. */
const TAKE_OVER_MS = 250
const PATIENCE_MS = 4_000
/** The longest wait before a broker or a database that was away is tried again. */
const LONGEST_AWAY_MS = 1_000
const LEADER_LOCK = 7_310_002
const CHANNEL = 'outbox'

/** Rows that are published leave dead entries in the index until the next vacuum. A plain index scan marks and then skips them; the other scans would read their pages each time. */
const KEEP_TO_THE_INDEX = ['SET enable_bitmapscan = off', 'SET enable_seqscan = off']

const TAKE = `
  SELECT id, envelope, attempts FROM outbox
  WHERE published_at IS NULL AND available_at <= $1 AND id <> ALL ($2::uuid[])
  ORDER BY id LIMIT $3`
const MARK =
  'UPDATE outbox SET published_at = $2, attempts = attempts + 1, last_error = NULL WHERE id = ANY ($1::uuid[])'
const BACK_OFF = `
  UPDATE outbox SET attempts = outbox.attempts + 1, available_at = row.available_at, last_error = row.error
  FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS row (id, available_at, error)
  WHERE outbox.id = row.id AND published_at IS NULL`

/**
 * Publishes outbox rows until they are confirmed, in the order they were written as far as failures allow.
 *
 * One instance of a service leads (advisory lock) and remembers in memory what is on its way, so a slow subscriber holds up its own
 * messages only and no broker is waited for inside a transaction. A row is marked after its confirm: a crash in between publishes
 * it again, and the inboxes recognise it. Nothing is ever given up; a row that fails backs off up to half a minute. While the broker is
 * away no row is to blame: all wait together, and go when it is back.
 */
export function startOutboxRelay(options: {
  database: Database
  publish: Publish
  clock: Clock
  log: Logger
}): OutboxRelay {
  const { database, clock, log } = options
  const wakeable = createWakeable()
  const rest = createWakeable()
  let timesAway = 0
  const inFlight = new Set<string>()
  let closing = false
  let closed = false
  let leading = false

  const settle = createBatcher<Settled>({
    flush: async (rows) => {
      const published = rows.filter(({ failure }) => failure === undefined)
      const failed = rows.filter(({ failure, brokerAway }) => failure !== undefined && !brokerAway)
      noteBroker(rows)
      await crashPoint('confirm.after', () => kindsOf(rows))
      if (published.length > 0) await database.execute(MARK, [published.map(({ id }) => id), clock.now()])
      if (failed.length > 0) await backOff(failed)
      await crashPoint('mark.after', () => kindsOf(rows))
      release(rows)
    },
    onError: (error, rows) => {
      log.warn(
        { err: error, rows: rows.length },
        'published messages could not be marked; they will be published again',
      )
      release(rows)
    },
  })

  const noteBroker = (rows: readonly Settled[]) => {
    const away = rows.find(({ brokerAway }) => brokerAway)
    if (away && timesAway === 0) log.warn({ reason: away.failure }, 'the broker is away; messages wait')
    if (!away && timesAway > 0) log.info({}, 'the broker is back')
    timesAway = away ? timesAway + 1 : 0
  }

  const backOff = async (rows: readonly Settled[]) => {
    log.warn({ rows: rows.length, reason: rows[0]?.failure }, 'messages were not confirmed; publishing again later')
    const now = clock.now().getTime()
    await database.execute(BACK_OFF, [
      rows.map(({ id }) => id),
      rows.map(({ attempts }) => new Date(now + backOffMs(attempts + 1))),
      rows.map(({ failure }) => failure),
    ])
  }

  const release = (rows: readonly Row[]) => {
    const wasFull = inFlight.size >= MOST_IN_FLIGHT
    for (const { id } of rows) inFlight.delete(id)
    if (wasFull) wakeable.wake()
  }

  const publishNext = async (session: Session): Promise<number> => {
    const room = Math.min(BATCH, MOST_IN_FLIGHT - inFlight.size)
    if (room <= 0) return 0
    const rows = await session.query<Row>(TAKE, [clock.now(), [...inFlight], room])
    if (rows.length > 0) await crashPoint('publish.before', () => kindsOf(rows))
    for (const { id } of rows) inFlight.add(id)
    const outcomes = options.publish(rows.map(({ envelope }) => envelope))
    rows.forEach((row, index) => {
      void outcomes[index]?.then((outcome) => {
        if (!closed) settle.add({ ...row, ...failureOf(outcome) })
      })
    })
    if (rows.length > 0) await crashPoint('publish.after', () => kindsOf(rows))
    return rows.length
  }

  const lead = async (session: Session) => {
    leading = true
    for (const setting of KEEP_TO_THE_INDEX) await session.execute(setting)
    await session.execute(`LISTEN ${CHANNEL}`)
    session.onNotification(wakeable.wake)
    void session.ended.then(() => {
      leading = false
      wakeable.wake()
    })
    while (!closing && leading) {
      const taken = await publishNext(session)
      if (timesAway > 0) await rest.pause(backOffMs(timesAway, { mostMs: LONGEST_AWAY_MS }))
      else if (taken === 0) await wakeable.pause(POLL_MS)
    }
  }

  const tryToLead = async () => {
    const session = await database.session({ patienceMs: PATIENCE_MS })
    try {
      while (!closing) {
        const rows = await session.query<{ won: boolean }>('SELECT pg_try_advisory_lock($1) AS won', [LEADER_LOCK])
        if (rows[0]?.won) return await lead(session)
        await wakeable.pause(TAKE_OVER_MS)
      }
    } finally {
      leading = false
      session.end()
    }
  }

  const complain = (error: unknown) => {
    if (!closing) log.warn({ err: error }, 'the outbox relay lost its database; trying again')
  }

  const run = async () => {
    while (!closing) {
      await tryToLead().catch(complain)
      if (!closing) await wakeable.pause(TAKE_OVER_MS)
    }
  }

  const running = run()
  const announce = createBatcher<undefined>({
    flush: async () => {
      await database.query(`NOTIFY ${CHANNEL}`)
    },
    onError: () => wakeable.wake(), // the leader polls anyway
  })
  return {
    wake: () => (leading ? wakeable.wake() : announce.add(undefined)),
    close: async () => {
      closing = true
      wakeable.wake()
      rest.wake()
      await Promise.all([running, announce.idle()])
      await settle.idle()
      closed = true // what is confirmed from now on is published again by the next one
    },
  }
}

const failureOf = (outcome: Awaited<ReturnType<Publish>[number]>) =>
  outcome.confirmed
    ? { failure: undefined, brokerAway: false }
    : { failure: `${outcome.reason}: ${outcome.detail}`, brokerAway: outcome.reason === 'unavailable' }

const kindsOf = (rows: readonly Row[]) => [...new Set(rows.map(({ envelope }) => `message:${envelope.type}`))]
