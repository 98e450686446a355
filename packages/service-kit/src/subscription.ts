import type { AnyMessageType, MessageType } from '@micromart/contracts/message'
import { ok, type Result } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { WorkContext } from '@micromart/telemetry/context'

export interface IncomingMessage<Data = unknown> {
  readonly id: string
  readonly type: string
  /** When the fact happened, RFC 3339. */
  readonly time: string
  readonly data: Data
  /** Pass it on to everything that this message causes. */
  readonly context: WorkContext
}

/**
 * What a service does with the messages of its queue. A batch is one transaction with its inbox rows.
 * An Err means never to succeed: the message becomes a dead letter. A throw means not now: it is delivered again.
 */
export interface Subscription {
  readonly types: readonly AnyMessageType[]
  handle(tx: Transaction, batch: readonly IncomingMessage[]): Promise<readonly Result<void>[]>
}

export interface MessageHandler {
  readonly type: AnyMessageType
  handle(tx: Transaction, batch: readonly IncomingMessage[]): Promise<readonly Result<void>[]>
}

/** Handles all messages of one type in a batch together; returning nothing means that all went well. */
export const on = <Data>(
  type: MessageType<Data>,
  handle: (tx: Transaction, batch: readonly IncomingMessage<Data>[]) => Promise<readonly Result<void>[] | void>,
): MessageHandler => ({
  type,
  handle: async (tx, batch) =>
    (await handle(tx, batch as readonly IncomingMessage<Data>[])) ?? batch.map(() => ok(undefined)),
})

/** Handlers for the types of a queue; within a batch the types are taken in the order given here. */
export function subscription(...handlers: readonly MessageHandler[]): Subscription {
  return {
    types: handlers.map(({ type }) => type),
    async handle(tx, batch) {
      const results = new Map<string, Result<void>>()
      for (const { type, handle } of handlers) {
        const messages = batch.filter((message) => message.type === type.type)
        if (messages.length === 0) continue
        const handled = await handle(tx, messages)
        for (const [index, message] of messages.entries()) results.set(message.id, handled[index] ?? ok(undefined))
      }
      return batch.map(({ id }) => results.get(id) ?? ok(undefined))
    },
  }
}

/** One subscription out of two: what the first does not know goes to the second. */
export function bothOf(first: Subscription, second: Subscription): Subscription {
  const firsts = new Set(first.types.map(({ type }) => type))
  return {
    types: [...first.types, ...second.types],
    async handle(tx, batch) {
      const results = new Map<string, Result<void>>()
      const handleWith = async ({ handle }: Subscription, messages: readonly IncomingMessage[]) => {
        if (messages.length === 0) return
        const handled = await handle(tx, messages)
        for (const [index, { id }] of messages.entries()) results.set(id, handled[index] ?? ok(undefined))
      }
      await handleWith(
        first,
        batch.filter(({ type }) => firsts.has(type)),
      )
      await handleWith(
        second,
        batch.filter(({ type }) => !firsts.has(type)),
      )
      return batch.map(({ id }) => results.get(id) ?? ok(undefined))
    },
  }
}
