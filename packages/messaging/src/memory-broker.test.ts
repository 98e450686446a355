import { brokerConformance, conformanceBroadcasts, conformanceTopology } from '@micromart/testkit/broker-conformance'
import { createMemoryBroker } from './memory-broker.ts'

brokerConformance('the memory broker', async () => {
  const broker = createMemoryBroker({ topology: conformanceTopology, broadcasts: conformanceBroadcasts })
  await broker.subscribe('plain', { batchSize: 10 }, async (batch) => batch.map(() => ({ kind: 'done' })))
  return { broker, close: () => broker.close() }
})
