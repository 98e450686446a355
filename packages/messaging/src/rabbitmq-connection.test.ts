import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Envelope } from '@micromart/contracts/envelope'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import type { ChannelModel } from 'amqplib'
import { createRabbitMqBroker } from './rabbitmq-broker.ts'
import { keepConnected } from './rabbitmq-connection.ts'

const host = await createVirtualHost()
const lost = await createVirtualHost()
const silent = { info() {}, warn() {}, error() {} }

const message = (type: string): Envelope => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/test',
  type,
  subject: 'subject',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  dataschema: '',
  correlationid: '',
  causationid: '',
  traceparent: '',
  data: {},
})

test('a network that swallows everything is given up by the heartbeat, and the next connection comes at once', {
  skip: skipWithout(host),
  timeout: 30_000,
}, async (t) => {
  if ('unavailable' in host) return
  t.after(host.drop)
  const port = Number(new URL(host.url).port || 5672)
  const proxy = await startFaultProxy({ upstreams: () => [{ port }] })
  t.after(() => proxy.close())
  const connections: ChannelModel[] = []
  const kept = keepConnected({
    url: proxy.urlOf(host.url),
    log: silent,
    onConnected: async (connection) => void connections.push(connection),
  })
  t.after(kept.close)
  const first = await until(async () => connections[0], { what: 'a connection' })
  const lost = new Promise((resolve) => first.once('close', resolve))
  await proxy.apply({ kind: 'half-open' })
  await proxy.heal() // what is open stays dead
  await lost
  await until(async () => connections[1], { what: 'another connection' })
})

test('who subscribes at the moment that the connection is lost does not fail, and hears by the next one', {
  skip: skipWithout(lost),
  timeout: 30_000,
}, async (t) => {
  if ('unavailable' in lost) return
  t.after(lost.drop)
  const port = Number(new URL(lost.url).port || 5672)
  const proxy = await startFaultProxy({ upstreams: () => [{ port }] })
  t.after(() => proxy.close())
  const type = 'micromart.test.lost.v1'
  const broker = createRabbitMqBroker({ url: proxy.urlOf(lost.url), topology: { lost: [type] }, log: silent })
  t.after(broker.close)
  const publish = async () => (await broker.publish([message(type)])[0])?.confirmed === true
  await until(publish, { what: 'a connection' })
  let heard = 0
  assert.equal(proxy.reset(), 1)
  await broker.subscribe('lost', { batchSize: 10 }, async (deliveries) => {
    heard += deliveries.length
    return deliveries.map(() => ({ kind: 'done' }))
  })
  await until(async () => heard > 0, { what: 'what was sent before' })
})
