import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, before, describe, test } from 'node:test'
import type { Envelope } from '@micromart/contracts/envelope'
import { CRASH_POINT_CHANNEL, type PointReached } from '@micromart/telemetry/crash-points'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { connect } from 'amqplib'
import type { Broker } from './broker.ts'
import { createRabbitMqBroker } from './rabbitmq-broker.ts'

const TYPE = 'micromart.test.channel.v1'
const host = await createVirtualHost()
const silent = { info() {}, warn() {}, error() {} }

const message = (type = TYPE): Envelope => ({
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

describe('a channel that is lost while its connection lives', { skip: skipWithout(host) }, () => {
  let broker: Broker
  const heard: string[] = []
  const isHeard = (id: string, times = 1) =>
    until(async () => heard.filter((known) => known === id).length >= times, { what: `${id} ${times} times` })
  /** Sent again, as an outbox does, until it is confirmed. */
  const send = async (sent = message()) => {
    const confirmed = async () => (await broker.publish([sent])[0])?.confirmed === true
    await until(confirmed, { what: `a confirm of ${sent.id}` })
    return sent.id
  }

  before(async () => {
    broker = createRabbitMqBroker({ url: 'url' in host ? host.url : '', topology: { channel: [TYPE] }, log: silent })
    await broker.subscribe('channel', { batchSize: 10 }, async (deliveries) => {
      for (const { body } of deliveries) heard.push((JSON.parse(body) as Envelope).id)
      return deliveries.map(() => ({ kind: 'done' }))
    })
    await isHeard(await send())
  })
  after(async () => {
    await broker?.close()
    if ('url' in host) await host.drop()
  })

  test('closed by the server: who publishes and who listens come back', async () => {
    const [outcome] = await Promise.all(broker.publish([message('micromart.nobody.knows.v1')])) // 404, channel closed
    assert.equal(outcome?.confirmed, false)
    await isHeard(await send())
  })

  test('the queue is deleted: it is made again, and heard', async () => {
    const connection = await connect('url' in host ? host.url : '')
    const channel = await connection.createChannel()
    await channel.deleteQueue('micromart.channel')
    await connection.close()
    await isHeard(await send())
  })

  test('an acknowledgement that fails: the message comes again', async () => {
    const failOnce = (told: unknown) => {
      const reached = told as PointReached
      if (reached.point !== 'acknowledge.before') return
      unsubscribe(CRASH_POINT_CHANNEL, failOnce)
      reached.outcome = Promise.reject(new Error('the channel is gone'))
    }
    subscribe(CRASH_POINT_CHANNEL, failOnce)
    await isHeard(await send(), 2)
    await isHeard(await send())
  })
})
