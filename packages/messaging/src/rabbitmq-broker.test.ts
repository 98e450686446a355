import { brokerConformance, conformanceBroadcasts, conformanceTopology } from '@micromart/testkit/broker-conformance'
import { freePortRange } from '@micromart/testkit/free-ports'
import { startRabbitMqNode } from '@micromart/testkit/rabbitmq-node'
import { skipWithout } from '@micromart/testkit/require-server'
import { createRabbitMqBroker } from './rabbitmq-broker.ts'

const silent = { info() {}, warn() {}, error() {} }
const node = await startRabbitMqNode(await freePortRange())

brokerConformance(
  'RabbitMQ',
  async () => {
    if ('unavailable' in node) throw new Error(node.unavailable)
    const broker = createRabbitMqBroker({
      url: node.url,
      topology: conformanceTopology,
      broadcasts: conformanceBroadcasts,
      log: silent,
      deliveryLimit: 5,
    })
    return {
      broker,
      restart: node.killAndRestart,
      close: async () => {
        await broker.close()
        await node.close()
      },
    }
  },
  { skip: skipWithout(node), server: true },
)
