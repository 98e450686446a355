import type { ChannelModel } from 'amqplib'
import { safely } from './broadcast.ts'
import type { BroadcastListener, Consumer } from './broker.ts'
import type { BrokerLog } from './broker-log.ts'
import { exchangeOf } from './rabbitmq-topology.ts'

export interface AttachableListener extends Consumer {
  /** Listens over this connection from now on. */
  attach(connection: ChannelModel): Promise<void>
}

/**
 * A queue of its own that lives as long as its connection: the server names it, nobody else may use it, and it goes with the last of its
 * consumers. Nothing is acknowledged, so it stays empty; a listener that stands still loses its connection by the heartbeat before much
 * has gathered.
 */
export function createListener(
  types: readonly string[],
  listener: BroadcastListener,
  log: BrokerLog,
): AttachableListener {
  const { hear, resumed, lost } = safely(listener, log)
  let end: (() => Promise<void>) | undefined
  let closed = false

  return {
    async attach(connection) {
      const channel = await connection.createChannel()
      const reconnect = () => {
        if (!closed) void connection.close().catch(() => {})
      }
      channel.on('error', () => {})
      const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false })
      for (const type of types) await channel.bindQueue(queue, exchangeOf(type), type)
      const take = (message: { content: Buffer } | null) => {
        if (closed) return
        if (message === null) return reconnect() // the server has ended the consumer
        hear(message.content.toString('utf8'))
      }
      await channel.consume(queue, take, { noAck: true, exclusive: true })
      if (closed) return void (await channel.close().catch(() => {}))
      end = () => channel.close().catch(() => {})
      channel.once('close', () => {
        if (closed) return
        lost()
        reconnect()
      })
      resumed()
    },
    close: async () => {
      closed = true
      await end?.()
    },
  }
}
