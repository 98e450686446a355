import type { Topology } from '@micromart/contracts/topology'
import type { ChannelModel } from 'amqplib'
import { broadcastTypes, checkBroadcast } from './broadcast.ts'
import type { Broker } from './broker.ts'
import { type BrokerLog, keepConnected } from './rabbitmq-connection.ts'
import { type AttachableConsumer, createConsumer } from './rabbitmq-consumer.ts'
import { type AttachableListener, createListener } from './rabbitmq-listener.ts'
import { createPublisher } from './rabbitmq-publisher.ts'
import { declareTopology } from './rabbitmq-topology.ts'

export interface RabbitMqOptions {
  /** `amqp://user:password@host:port/vhost`. */
  readonly url: string
  readonly topology: Topology
  /** Types that are heard by whoever listens and have no queue; default none. */
  readonly broadcasts?: readonly string[]
  readonly log: BrokerLog
  /** Deliveries before RabbitMQ itself gives a message up; above the consumer's own limit. Default 20. */
  readonly deliveryLimit?: number
  /** How long to wait for a confirm; default 10 s. */
  readonly confirmTimeoutMs?: number
}

/** RabbitMQ 3.10 or later. It may be away at the start or at any time: publishing then says so, consumers come back by themselves. */
export function createRabbitMqBroker(options: RabbitMqOptions): Broker {
  const { topology, log } = options
  const broadcast = broadcastTypes(options.broadcasts ?? [], topology)
  const isBroadcast = (type: string) => broadcast.has(type)
  const publisher = createPublisher({ confirmTimeoutMs: options.confirmTimeoutMs ?? 10_000, isBroadcast })
  const consumers = new Set<AttachableConsumer | AttachableListener>()
  let connected: ChannelModel | undefined

  const onConnected = async (connection: ChannelModel) => {
    const channel = await connection.createChannel()
    channel.on('error', (err) =>
      log.error({ err }, 'RabbitMQ refused the topology: does a queue exist with other arguments?'),
    )
    await declareTopology(channel, { topology, broadcasts: broadcast, deliveryLimit: options.deliveryLimit ?? 20 })
    await channel.close()
    await publisher.attach(connection)
    let open = true
    connection.once('close', () => {
      open = false
      if (connected === connection) connected = undefined
    })
    for (const consumer of consumers) await consumer.attach(connection)
    if (open) connected = connection // not before: who comes meanwhile is part of the loop, and would be attached twice
  }

  /** A connection that is lost just now is no reason to fail: the next one attaches every consumer. */
  const attachNow = (consumer: AttachableConsumer | AttachableListener, connection: ChannelModel) =>
    consumer.attach(connection).catch((err: unknown) => {
      log.warn({ err }, 'RabbitMQ lost a new consumer; it comes back with the next connection')
      void connection.close().catch(() => {})
    })

  const start = async (consumer: AttachableConsumer | AttachableListener) => {
    consumers.add(consumer)
    if (connected) await attachNow(consumer, connected)
    return {
      close: async () => {
        consumers.delete(consumer)
        await consumer.close()
      },
    }
  }

  const kept = keepConnected({ url: options.url, log, onConnected })
  return {
    publish: publisher.publish,
    subscribe: async (queue, subscribeOptions, handle) => {
      if (!(queue in topology)) throw new Error(`The queue ${queue} is not part of the topology`)
      return start(createConsumer(queue, subscribeOptions, handle))
    },
    listen: async (types, listener) => {
      checkBroadcast(types, broadcast)
      return start(createListener(types, listener, log))
    },
    close: async () => {
      await Promise.all([...consumers].map((consumer) => consumer.close()))
      publisher.close()
      await kept.close()
    },
  }
}
