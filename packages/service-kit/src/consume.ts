import type { Envelope } from '@micromart/contracts/envelope'
import type { Clock } from '@micromart/kernel/clock'
import { type Ids, isUuid } from '@micromart/kernel/ids'
import type { BatchHandler, Delivery, Verdict } from '@micromart/messaging/broker'
import type { Database, Transaction } from '@micromart/postgres/database'
import { type DeadLetter, recordDeadLetters } from '@micromart/postgres/dead-letters'
import { isUnavailable } from '@micromart/postgres/errors'
import { recordInInbox } from '@micromart/postgres/inbox'
import { backOffMs, pause } from '@micromart/postgres/wakeable'
import { continueTrace, runInContext } from '@micromart/telemetry/context'
import { crashPoint, workingOn } from '@micromart/telemetry/crash-points'
import type { Logger } from '@micromart/telemetry/logger'
import type { IncomingMessage, Subscription } from './subscription.ts'

export interface ConsumeOptions {
  readonly consumer: string
  readonly subscription: Subscription
  readonly database: Database
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  /** After so many deliveries a message that keeps failing becomes a dead letter; default 10. */
  readonly mostAttempts?: number
  /** Aborted when the service closes: waiting for a database ends then. */
  readonly closing: AbortSignal
}

const done: Verdict = { kind: 'done' }

type Letter = Pick<DeadLetter, 'messageId' | 'type' | 'body' | 'code' | 'detail' | 'attempts'>
type Read =
  | { readonly delivery: Delivery; readonly message: IncomingMessage }
  | { readonly delivery: Delivery; readonly letter: Letter }

/**
 * Turns a subscription into a broker's batch handler: one transaction for inbox rows, effects and new outbox rows; acknowledged after
 * its commit. When a batch fails, each message is tried alone, so one bad message fails only itself. A database that is away is waited
 * for without counting an attempt.
 */
export function consume(options: ConsumeOptions): BatchHandler {
  const { database, log } = options
  const mostAttempts = options.mostAttempts ?? 10

  const handleIn = async (tx: Transaction, batch: readonly Read[]) => {
    const readable = batch.filter((read) => 'message' in read)
    const unique = [...new Map(readable.map((read) => [read.message.id, read])).values()]
    const messages = unique.map(({ message }) => message)
    const fresh = await recordInInbox(tx, { consumer: options.consumer, messages, clock: options.clock })
    const handled = unique.filter(({ message }) => fresh.has(message.id))
    const results =
      handled.length === 0
        ? []
        : await options.subscription.handle(
            tx,
            handled.map(({ message }) => message),
          )
    const refused = handled.flatMap((read, index) => {
      const result = results[index]
      return result && !result.ok ? [letterOf(read.delivery, read.message, result.error)] : []
    })
    const unreadable = batch.flatMap((read) => ('letter' in read ? [read.letter] : []))
    await bury(tx, refused)
    await giveUp(tx, unreadable)
  }

  /** Recorded in the inbox like what was handled: a repeat of a message that became a dead letter must not become another. */
  const giveUp = async (tx: Transaction, letters: readonly Letter[]) => {
    const named = letters.flatMap(({ messageId, type }) =>
      messageId !== null && isUuid(messageId) ? [{ id: messageId, type: type ?? '' }] : [],
    )
    const fresh =
      named.length === 0
        ? new Set()
        : await recordInInbox(tx, { consumer: options.consumer, messages: named, clock: options.clock })
    await bury(
      tx,
      letters.filter(({ messageId }) => messageId === null || !isUuid(messageId) || fresh.has(messageId)),
    )
  }

  const bury = async (tx: Transaction, letters: readonly Letter[]) => {
    const diedAt = options.clock.now()
    for (const { code, detail, messageId, type } of letters)
      log.error({ code, detail, messageId, type }, 'a message became a dead letter')
    await recordDeadLetters(
      tx,
      letters.map((letter) => ({ ...letter, id: options.ids.next(), consumer: options.consumer, diedAt })),
    )
  }

  const failed = async (read: Read & { message: IncomingMessage }, error: unknown): Promise<Verdict> => {
    const { attempt } = read.delivery
    log.warn({ err: error, attempt, type: read.message.type }, 'a message could not be handled')
    if (attempt < mostAttempts) return { kind: 'retry', afterMs: backOffMs(attempt, { mostMs: 5_000 }) }
    const reason = { code: 'message.keeps-failing', detail: String(error).slice(0, 1_000) }
    await database.transaction((tx) => giveUp(tx, [letterOf(read.delivery, read.message, reason)]))
    return done
  }

  const handleOne = async (read: Read): Promise<Verdict> => {
    try {
      const work = () => database.transaction((tx) => handleIn(tx, [read]))
      await ('message' in read ? runInContext(read.message.context, work) : work())
      return done
    } catch (error) {
      if (isUnavailable(error) || !('message' in read)) throw error
      return failed(read, error)
    }
  }

  /** False when something in the batch went wrong: each message is then tried alone. */
  const handleTogether = async (batch: readonly Read[]): Promise<boolean> => {
    try {
      await database.transaction((tx) => handleIn(tx, batch))
      return true
    } catch (error) {
      if (isUnavailable(error)) throw error
      return false
    }
  }

  const handleBatch = async (batch: readonly Read[]): Promise<readonly Verdict[]> => {
    await crashPoint('handle.before')
    if (batch.length > 1 && (await handleTogether(batch))) return batch.map(() => done)
    const verdicts: Verdict[] = []
    for (const read of batch) verdicts.push(await handleOne(read))
    return verdicts
  }

  return async (deliveries) => {
    const batch = deliveries.map((delivery) => read(delivery, options.subscription))
    for (let attempt = 1; ; attempt++)
      try {
        return await workingOn(
          () => batch.map(kindOf),
          () => handleBatch(batch),
        )
      } catch (error) {
        if (!isUnavailable(error) || options.closing.aborted) throw error
        log.warn({ err: error }, 'the database is away; messages wait')
        await pause(backOffMs(attempt, { mostMs: 1_000 }), options.closing)
      }
  }
}

const kindOf = (read: Read) => `message:${('message' in read ? read.message.type : read.letter.type) ?? 'unreadable'}`

const letterOf = (delivery: Delivery, message: IncomingMessage, reason: { code: string; detail: string }): Letter => ({
  messageId: message.id,
  type: message.type,
  body: delivery.body,
  attempts: delivery.attempt,
  code: reason.code,
  detail: reason.detail,
})

function read(delivery: Delivery, subscription: Subscription): Read {
  const envelope = parse(delivery.body)
  const fault = delivery.exhausted
    ? { code: 'message.keeps-failing', detail: 'The broker gave up after its delivery limit' }
    : faultOf(envelope, subscription)
  if (fault || !envelope)
    return {
      delivery,
      letter: {
        messageId: text(envelope?.id),
        type: text(envelope?.type),
        body: delivery.body,
        attempts: delivery.attempt,
        code: fault?.code ?? 'message.unreadable',
        detail: fault?.detail ?? 'The body is not a JSON object',
      },
    }
  const { id, type, time, data } = envelope
  const context = {
    correlationId: text(envelope.correlationid) ?? id,
    causationId: id,
    traceparent: continueTrace(text(envelope.traceparent) ?? undefined),
  }
  return { delivery, message: { id, type, time, data, context } }
}

function parse(body: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Envelope) : undefined
  } catch {
    return undefined
  }
}

function faultOf(envelope: Envelope | undefined, { types }: Subscription) {
  if (!envelope || typeof envelope.id !== 'string' || !isUuid(envelope.id))
    return { code: 'message.unreadable', detail: 'The body is not a CloudEvents envelope with a UUID as id' }
  const type = types.find((known) => known.type === envelope.type)
  if (!type)
    return { code: 'message.unknown-type', detail: `Nothing here handles ${String(envelope.type).slice(0, 200)}` }
  return type.accepts(envelope.data)
    ? undefined
    : { code: 'message.bad-data', detail: `The data does not fit the schema of ${type.type}` }
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
