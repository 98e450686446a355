import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { startNetwork } from '@micromart/testkit/swallowing-network'
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
  const network = await startNetwork(t, host.url)
  const connections: ChannelModel[] = []
  const kept = keepConnected({
    url: network.url,
    log: silent,
    onConnected: async (connection) => void connections.push(connection),
  })
  t.after(kept.close)
  const first = await until(async () => connections[0], { what: 'a connection' })
  const lost = new Promise((resolve) => first.once('close', resolve))
  network.swallow()
  const swallowedAt = performance.now()
  await lost
  await until(async () => connections[1], { what: 'another connection' })
  const tookMs = performance.now() - swallowedAt
  assert.ok(tookMs < 10_000, `${tookMs} ms`) // three heartbeats, and patience for a busy machine
})
