import { test } from 'node:test'
import { startFaultProxy } from '@micromart/testkit/fault-proxy'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import type { ChannelModel } from 'amqplib'
import { keepConnected } from './rabbitmq-connection.ts'

const host = await createVirtualHost()
const silent = { info() {}, warn() {}, error() {} }

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
