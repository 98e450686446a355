import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { type Certificate, certificateFor, openTlsDoor } from '@micromart/testkit/tls-door'
import { checkRabbitMq } from './rabbitmq-check.ts'

const host = await createVirtualHost()
const [good, stranger, elsewhere] = await Promise.all(
  ['localhost', 'localhost', 'elsewhere.example'].map((name) => certificateFor(name)),
)
const before = getCACertificates('default')
const [ours, theirs, others] = [good, stranger, elsewhere].filter(
  (one): one is Certificate => one !== undefined && 'ca' in one,
)

describe('RabbitMQ over TLS, by URL', { skip: skipWithout(host) || skipWithout(good ?? {}) }, () => {
  after(async () => {
    setDefaultCACertificates(before)
    if ('drop' in host) await host.drop()
    await Promise.all([ours, theirs, others].map((one) => one?.remove()))
  })

  const reachOver = async (t: TestContext, certificate: Certificate | undefined) => {
    assert.ok(certificate && 'url' in host)
    const url = new URL(host.url)
    const door = await openTlsDoor({ port: Number(url.port) || 5672, certificate })
    t.after(() => door.close())
    const amqps = `amqps://${url.username}:${url.password}@localhost:${door.port}${url.pathname}`
    await checkRabbitMq({ url: amqps, topology: {} as never, fresh: true })
    return door.admitted()
  }
  const trust = (...certificates: readonly (Certificate | undefined)[]) =>
    setDefaultCACertificates([...before, ...certificates.flatMap((one) => (one ? [one.ca] : []))])

  test('works when the certificate is good', async (t) => {
    trust(ours)
    assert.equal(await reachOver(t, ours), 1)
  })

  test('is not spoken to anybody whose certificate nobody of ours has signed, or who is somebody else', async (t) => {
    trust(ours, others)
    await assert.rejects(reachOver(t, theirs), /signature|certificate|UNABLE_TO/)
    await assert.rejects(reachOver(t, others), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })
})
