import type { Topology } from '@micromart/contracts/topology'
import type { Channel } from 'amqplib'

/** One durable topic exchange per domain, after the second part of the type: `micromart.order.placed.v1` goes to `micromart.order`. */
export const exchangeOf = (type: string): string => `micromart.${type.split('.')[1] ?? 'unknown'}`

export const queueName = (queue: string): string => `micromart.${queue}`

export const deadQueueName = (queue: string): string => `micromart.${queue}.dead`

const DEAD_EXCHANGE = 'micromart.dead'

export interface Declared {
  readonly topology: Topology
  /** Types without a queue of their own. */
  readonly broadcasts: Iterable<string>
  readonly deliveryLimit: number
}

/**
 * Declares everything: durable quorum queues, so that a confirmed message survives a server; a delivery limit as the last defence
 * against a message that kills its consumer, with a dead-letter queue behind it.
 */
export async function declareTopology(
  channel: Channel,
  { topology, broadcasts, deliveryLimit }: Declared,
): Promise<void> {
  for (const type of broadcasts) await channel.assertExchange(exchangeOf(type), 'topic', { durable: true })
  await channel.assertExchange(DEAD_EXCHANGE, 'direct', { durable: true })
  for (const [queue, types] of Object.entries(topology)) {
    await channel.assertQueue(deadQueueName(queue), { durable: true, arguments: { 'x-queue-type': 'quorum' } })
    await channel.bindQueue(deadQueueName(queue), DEAD_EXCHANGE, queueName(queue))
    await channel.assertQueue(queueName(queue), {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': deliveryLimit,
        'x-dead-letter-exchange': DEAD_EXCHANGE,
        'x-dead-letter-routing-key': queueName(queue),
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      },
    })
    for (const type of types) {
      await channel.assertExchange(exchangeOf(type), 'topic', { durable: true })
      await channel.bindQueue(queueName(queue), exchangeOf(type), type)
    }
  }
}
