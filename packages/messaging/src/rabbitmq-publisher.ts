import { ENVELOPE_CONTENT_TYPE, type Envelope } from '@micromart/contracts/envelope'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { PublishOutcome } from './broker.ts'
import { exchangeOf } from './rabbitmq-topology.ts'

export interface Publisher {
  /** Uses this connection from now on. */
  attach(connection: ChannelModel): Promise<void>
  publish(messages: readonly Envelope[]): readonly Promise<PublishOutcome>[]
  close(): void
}

const unavailable = (detail: string): PublishOutcome => ({ confirmed: false, reason: 'unavailable', detail })

/** The library gives an error for a message that the server refused, and for one whose channel was closed. */
function outcomeOf(error: Error | null): PublishOutcome {
  if (!error) return { confirmed: true }
  return error.message === 'message nacked'
    ? { confirmed: false, reason: 'refused', detail: 'RabbitMQ did not accept the message' }
    : unavailable(error.message)
}

/**
 * Publishes persistent, mandatory messages on a confirm channel. A message counts as confirmed when its confirm came and it was not
 * returned; one that is broadcast need not have any queue, so it is not returned.
 */
export function createPublisher({
  confirmTimeoutMs,
  isBroadcast,
}: {
  confirmTimeoutMs: number
  isBroadcast: (type: string) => boolean
}): Publisher {
  let channel: ConfirmChannel | undefined
  const open = new Map<string, Set<Settle>>()
  type Settle = (outcome: PublishOutcome) => void

  const settleAll = (outcome: PublishOutcome) => {
    for (const settles of [...open.values()]) for (const settle of [...settles]) settle(outcome)
  }

  const publishOne = (message: Envelope): Promise<PublishOutcome> => {
    const target = channel
    if (!target) return Promise.resolve(unavailable('there is no connection to RabbitMQ'))
    return new Promise((resolve) => {
      const settle: Settle = (outcome) => {
        clearTimeout(timer)
        const settles = open.get(message.id)
        settles?.delete(settle)
        if (settles?.size === 0) open.delete(message.id)
        resolve(outcome)
      }
      const timer = setTimeout(() => settle(unavailable(`no confirm within ${confirmTimeoutMs} ms`)), confirmTimeoutMs)
      open.set(message.id, (open.get(message.id) ?? new Set()).add(settle))
      const properties = {
        persistent: true,
        mandatory: !isBroadcast(message.type),
        messageId: message.id,
        type: message.type,
        timestamp: Math.floor(Date.parse(message.time) / 1_000),
        contentType: ENVELOPE_CONTENT_TYPE,
        correlationId: message.correlationid,
      }
      try {
        target.publish(
          exchangeOf(message.type),
          message.type,
          Buffer.from(JSON.stringify(message)),
          properties,
          (error) => settle(outcomeOf(error)),
        )
      } catch (error) {
        settle(unavailable(String(error)))
      }
    })
  }

  return {
    async attach(connection) {
      const fresh = await connection.createConfirmChannel()
      // the server sends a return before the confirm of the same message
      fresh.on('return', ({ properties }) => {
        const id: unknown = properties.messageId
        for (const settle of [...(open.get(String(id)) ?? [])])
          settle({ confirmed: false, reason: 'unroutable', detail: 'no queue is bound to this type' })
      })
      const lose = (detail: string) => {
        if (channel === fresh) {
          channel = undefined
          void connection.close().catch(() => {}) // a channel of its own can be lost alone, and only a new connection brings another
        }
        settleAll(unavailable(detail))
      }
      fresh.on('error', (error) => lose(String(error)))
      fresh.on('close', () => lose('the channel was closed'))
      connection.on('close', () => lose('the connection was closed'))
      channel = fresh
    },
    publish: (messages) => messages.map(publishOne),
    close: () => {
      channel = undefined
      settleAll(unavailable('the broker is closed'))
    },
  }
}
