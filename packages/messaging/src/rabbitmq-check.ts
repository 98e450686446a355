import type { Topology } from '@micromart/contracts/topology'
import { connect } from 'amqplib'
import { deadQueueName, queueName } from './rabbitmq-topology.ts'

/** Finds out whether the server can be used; `fresh` deletes the queues of the topology with all that waits in them. @throws what the server says */
export async function checkRabbitMq(options: { url: string; topology: Topology; fresh: boolean }): Promise<void> {
  const connection = await connect(options.url, { timeout: 5_000 })
  connection.on('error', () => {}) // comes as the rejection of what was asked
  try {
    if (!options.fresh) return
    const channel = await connection.createChannel()
    for (const queue of Object.keys(options.topology))
      for (const name of [queueName(queue), deadQueueName(queue)]) await channel.deleteQueue(name)
  } finally {
    await connection.close().catch(() => {})
  }
}
