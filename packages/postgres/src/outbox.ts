import type { Envelope } from '@micromart/contracts/envelope'
import type { AnyMessageType, MessageType } from '@micromart/contracts/message'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { continueTrace, currentContext, type WorkContext } from '@micromart/telemetry/context'
import type { Transaction } from './database.ts'

/** A message to send: `send(OrderPlaced, {...})` makes one. */
export interface OutgoingMessage {
  readonly type: AnyMessageType
  readonly data: unknown
  /** What caused it; needed where one transaction serves many causes, otherwise the current context is taken. */
  readonly context?: WorkContext | undefined
}

export const send = <Data>(type: MessageType<Data>, data: Data, context?: WorkContext): OutgoingMessage => ({
  type,
  data,
  context,
})

export interface Outbox {
  /** Writes the messages into the same transaction as the state they tell about, and wakes the relay after its commit. */
  add(tx: Transaction, messages: readonly OutgoingMessage[]): Promise<void>
}

const INSERT = `
  INSERT INTO outbox (id, type, subject, envelope, created_at, available_at)
  SELECT id, type, subject, envelope, $5, $5
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::json[]) AS row (id, type, subject, envelope)`

/** `source` is the owner's name; a message that does not fit its schema is a bug and fails the transaction. */
export function createOutbox(options: { source: string; ids: Ids; clock: Clock; wake: () => void }): Outbox {
  const seal = ({ type, data, context = currentContext() }: OutgoingMessage, time: string): Envelope => {
    if (!type.accepts(data)) throw new Error(`${type.type} does not fit its schema`)
    const id = options.ids.next()
    return {
      specversion: '1.0',
      id,
      source: `/${options.source}`,
      type: type.type,
      subject: type.subjectOf(data),
      time,
      datacontenttype: 'application/json',
      dataschema: `/schemas/${type.type}.json`,
      correlationid: context?.correlationId ?? id,
      causationid: context?.causationId ?? id,
      traceparent: continueTrace(context?.traceparent),
      data,
    }
  }
  return {
    async add(tx, messages) {
      if (messages.length === 0) return
      const now = options.clock.now()
      const time = now.toISOString()
      const envelopes = messages.map((message) => seal(message, time))
      tx.write(INSERT, [
        envelopes.map(({ id }) => id),
        envelopes.map(({ type }) => type),
        envelopes.map(({ subject }) => subject),
        envelopes.map((envelope) => JSON.stringify(envelope)),
        now,
      ])
      tx.afterCommit(options.wake)
    },
  }
}
