import type { WorkContext } from '@micromart/telemetry/context'
import type { Queryable, Transaction } from './database.ts'
import { isUniqueViolation } from './errors.ts'

/** One event as it stands in the log: what happened to which stream, when and caused by what. */
export interface RecordedEvent<Event> {
  readonly streamId: string
  /** 1 for the first event of a stream, without gaps. */
  readonly version: number
  readonly event: Event
  readonly at: Date
  /** The message or request that caused it. */
  readonly causationId: string
  readonly correlationId: string
  readonly traceparent: string
}

/** Somebody else has appended to the stream since it was read: read again and decide again. */
export class StreamConflict extends Error {
  constructor(cause: unknown) {
    super('The stream has moved on since it was read', { cause })
    this.name = 'StreamConflict'
  }
}

interface Row {
  readonly stream_id: string
  readonly version: number
  readonly type: string
  readonly data: object
  readonly at: Date
  readonly causation_id: string
  readonly correlation_id: string
  readonly traceparent: string
}

const READ = 'SELECT * FROM event_log WHERE stream_id = ANY ($1::uuid[]) ORDER BY stream_id, version'
const READ_AFTER = `
  SELECT event_log.* FROM unnest($1::uuid[], $2::int[]) AS read (stream_id, version)
    JOIN event_log ON event_log.stream_id = read.stream_id AND event_log.version > read.version
  ORDER BY event_log.stream_id, event_log.version`
const APPEND = `
  INSERT INTO event_log (stream_id, version, type, data, at, causation_id, correlation_id, traceparent)
  SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::json[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])`

/** The events of the streams, each stream's in order; a stream that does not exist is absent. */
export async function readStreams<Event extends { type: string }>(
  db: Queryable,
  streamIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RecordedEvent<Event>[]>> {
  return streamsOf(await db.query<Row>(READ, [streamIds]))
}

/**
 * The events of each stream after the version given for it. Versions have no gaps, and one is only written on top of the one before:
 * who has read up to a version and asks for what comes after it misses nothing.
 */
export async function readStreamsAfter<Event extends { type: string }>(
  db: Queryable,
  versions: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, readonly RecordedEvent<Event>[]>> {
  return streamsOf(await db.query<Row>(READ_AFTER, [[...versions.keys()], [...versions.values()]]))
}

function streamsOf<Event extends { type: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly RecordedEvent<Event>[]> {
  const streams = new Map<string, RecordedEvent<Event>[]>()
  for (const row of rows) {
    const recorded: RecordedEvent<Event> = {
      streamId: row.stream_id,
      version: row.version,
      event: { type: row.type, ...row.data } as unknown as Event,
      at: row.at,
      causationId: row.causation_id,
      correlationId: row.correlation_id,
      traceparent: row.traceparent,
    }
    const stream = streams.get(row.stream_id)
    if (stream) stream.push(recorded)
    else streams.set(row.stream_id, [recorded])
  }
  return streams
}

/** Appends at exactly these versions (the primary key is the lock); the commit fails with StreamConflict when one is taken. */
export function appendEvents<Event extends { type: string }>(
  tx: Transaction,
  events: readonly { streamId: string; version: number; event: Event; at: Date; context: WorkContext }[],
): void {
  if (events.length === 0) return
  tx.write(
    APPEND,
    [
      events.map(({ streamId }) => streamId),
      events.map(({ version }) => version),
      events.map(({ event }) => event.type),
      events.map(({ event: { type: _, ...data } }) => JSON.stringify(data)),
      events.map(({ at }) => at),
      events.map(({ context }) => context.causationId),
      events.map(({ context }) => context.correlationId),
      events.map(({ context }) => context.traceparent),
    ],
    (error) => (isUniqueViolation(error, 'event_log_pkey') ? new StreamConflict(error) : error),
  )
}
