import type { Topology } from '@micromart/contracts/topology'
import type { ChannelModel } from 'amqplib'
import type { Broker } from './broker.ts'
import { type BrokerLog, keepConnected } from './rabbitmq-connection.ts'
import { type AttachableConsumer, createConsumer } from './rabbitmq-consumer.ts'
import { createPublisher } from './rabbitmq-publisher.ts'
import { declareTopology } from './rabbitmq-topology.ts'

export interface RabbitMqOptions {
  /** `amqp://user:password@host:port/vhost`. */
  readonly url: string
  readonly topology: Topology
  readonly log: BrokerLog
  /** Deliveries before RabbitMQ itself gives a message up; above the consumer's own limit. Default 20. */
  readonly deliveryLimit?: number
  /** How long to wait for a confirm; default 10 s. */
  readonly confirmTimeoutMs?: number
}

/** RabbitMQ 3.10 or later. It may be away at the start or at any time: publishing then says so, consumers come back by themselves. */
export function createRabbitMqBroker(options: RabbitMqOptions): Broker {
  const publisher = createPublisher({ confirmTimeoutMs: options.confirmTimeoutMs ?? 10_000 })
  const consumers = new Set<AttachableConsumer>()
  let connected: ChannelModel | undefined

  const onConnected = async (connection: ChannelModel) => {
    const channel = await connection.createChannel()
    channel.on('error', (err) =>
      options.log.error({ err }, 'RabbitMQ refused the topology: does a queue exist with other arguments?'),
    )
    await declareTopology(channel, options.topology, options.deliveryLimit ?? 20)
    await channel.close()
    await publisher.attach(connection)
    connected = connection
    connection.once('close', () => {
      if (connected === connection) connected = undefined
    })
    for (const consumer of consumers) await consumer.attach(connection)
  }

  const kept = keepConnected({ url: options.url, log: options.log, onConnected })
  return {
    publish: publisher.publish,
    subscribe: async (queue, subscribeOptions, handle) => {
      if (!(queue in options.topology)) throw new Error(`The queue ${queue} is not part of the topology`)
      const consumer = createConsumer(queue, subscribeOptions, handle)
      consumers.add(consumer)
      if (connected) await consumer.attach(connected)
      return {
        close: async () => {
          consumers.delete(consumer)
          await consumer.close()
        },
      }
    },
    close: async () => {
      await Promise.all([...consumers].map((consumer) => consumer.close()))
      publisher.close()
      await kept.close()
    },
  }
}
