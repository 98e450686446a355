import { brokerConformance, conformanceTopology } from '@micromart/testkit/broker-conformance'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { createRabbitMqBroker } from './rabbitmq-broker.ts'

const DELIVERY_LIMIT = 5
const silent = { info() {}, warn() {}, error() {} }
const host = await createVirtualHost()

brokerConformance(
  'RabbitMQ',
  async () => {
    if ('unavailable' in host) throw new Error(host.unavailable)
    const broker = createRabbitMqBroker({
      url: host.url,
      topology: conformanceTopology,
      log: silent,
      deliveryLimit: DELIVERY_LIMIT,
    })
    return {
      broker,
      restart: host.cutConnections,
      deliveryLimit: DELIVERY_LIMIT,
      close: async () => {
        await broker.close()
        await host.drop()
      },
    }
  },
  skipWithout(host),
)
