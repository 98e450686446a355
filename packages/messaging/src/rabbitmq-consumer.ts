import { crashPoint } from '@micromart/telemetry/crash-points'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { BatchHandler, Consumer, Delivery, SubscribeOptions, Verdict } from './broker.ts'
import { deadQueueName, queueName } from './rabbitmq-topology.ts'

export interface AttachableConsumer extends Consumer {
  /** Consumes over this connection from now on; deliveries of an earlier one are forgotten, the server gives them again. */
  attach(connection: ChannelModel): Promise<void>
}

interface Fetched {
  readonly channel: Channel
  readonly message: ConsumeMessage
  readonly exhausted: boolean
}

const retrySoon: Verdict = { kind: 'retry', afterMs: 200 }

/** One running batch at a time, made of what has arrived; each message is acknowledged on the channel that it came from, after its verdict. */
export function createConsumer(
  queue: string,
  { batchSize }: SubscribeOptions,
  handle: BatchHandler,
): AttachableConsumer {
  let waiting: Fetched[] = []
  let running: Promise<void> | undefined
  let channel: Channel | undefined
  let connected: ChannelModel | undefined
  let tags: readonly string[] = []
  let closed = false
  const delayed = new Map<NodeJS.Timeout, Fetched>()

  const run = async () => {
    await Promise.resolve()
    while (waiting.length > 0 && !closed) {
      const batch = waiting.splice(0, batchSize)
      const verdicts = await verdictsOf(handle, batch.map(deliveryOf))
      await settleAll(batch, verdicts)
    }
    running = undefined
  }

  const settleAll = async (batch: readonly Fetched[], verdicts: readonly Verdict[]) => {
    const kinds = () => batch.map(({ message }) => `message:${message.properties.type}`)
    try {
      await crashPoint('acknowledge.before', kinds)
      for (const [index, fetched] of batch.entries()) settle(fetched, verdicts[index] ?? retrySoon)
      await crashPoint('acknowledge.after', kinds)
    } catch {
      reconnect()
    }
  }

  /** What is not acknowledged comes again only when its channel is gone, and who has no channel gets nothing: both need a new connection. */
  const reconnect = () => {
    channel = undefined
    void connected?.close().catch(() => {})
  }

  const settle = (fetched: Fetched, verdict: Verdict) => {
    if (verdict.kind === 'done') return safely(fetched, () => fetched.channel.ack(fetched.message))
    const timer = setTimeout(() => {
      delayed.delete(timer)
      // reject, not nack: only a reject counts towards the delivery limit in every version
      safely(fetched, () => fetched.channel.reject(fetched.message, true))
    }, verdict.afterMs)
    delayed.set(timer, fetched)
  }

  /** A channel that is gone throws; its messages are delivered again anyway. */
  const safely = (fetched: Fetched, action: () => void) => {
    if (fetched.channel !== channel) return
    try {
      action()
    } catch {
      reconnect()
    }
  }

  const fetch = (from: Channel, exhausted: boolean) => (message: ConsumeMessage | null) => {
    if (closed) return
    if (message === null) return reconnect() // the server has ended the consumer, for instance because its queue is gone
    waiting.push({ channel: from, message, exhausted })
    running ??= run()
  }

  const giveBack = (fetched: Fetched) => safely(fetched, () => fetched.channel.nack(fetched.message, false, true))

  return {
    async attach(connection) {
      const fresh = await connection.createChannel()
      fresh.on('error', () => {})
      fresh.on('close', () => {
        if (channel === fresh && !closed) reconnect()
      })
      waiting = []
      channel = fresh
      connected = connection
      await fresh.prefetch(2 * batchSize)
      const live = await fresh.consume(queueName(queue), fetch(fresh, false))
      const dead = await fresh.consume(deadQueueName(queue), fetch(fresh, true))
      tags = [live.consumerTag, dead.consumerTag]
    },
    close: async () => {
      if (closed) return
      const last = channel
      for (const tag of tags) await last?.cancel(tag).catch(() => {})
      closed = true
      await running
      for (const fetched of [...waiting, ...delayed.values()]) giveBack(fetched)
      for (const timer of delayed.keys()) clearTimeout(timer)
      waiting = []
      await last?.close().catch(() => {})
    },
  }
}

const deliveryOf = ({ message, exhausted }: Fetched): Delivery => {
  const count: unknown = message.properties.headers?.['x-delivery-count']
  return { body: message.content.toString('utf8'), attempt: 1 + (typeof count === 'number' ? count : 0), exhausted }
}

async function verdictsOf(handle: BatchHandler, deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
  try {
    return await handle(deliveries)
  } catch {
    return deliveries.map(() => retrySoon) // the handler has logged it
  }
}
