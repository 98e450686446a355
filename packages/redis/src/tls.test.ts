import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createLogger } from '@micromart/telemetry/logger'
import { startRedisServer } from '@micromart/testkit/redis-server'
import { skipWithout } from '@micromart/testkit/require-server'
import { type Certificate, certificateFor, openTlsDoor } from '@micromart/testkit/tls-door'
import { until } from '@micromart/testkit/until'
import { redisConnection } from './redis-connection.ts'

const server = await startRedisServer()
const [good, stranger, elsewhere] = await Promise.all(
  ['localhost', 'localhost', 'elsewhere.example'].map((host) => certificateFor(host)),
)
const before = getCACertificates('default')
const [ours, theirs, others] = [good, stranger, elsewhere].filter(
  (one): one is Certificate => one !== undefined && 'ca' in one,
)

describe('Redis over TLS, by URL', { skip: skipWithout(server) || skipWithout(good ?? {}) }, () => {
  after(async () => {
    setDefaultCACertificates(before)
    if ('kill' in server) await server.kill()
    await Promise.all([ours, theirs, others].map((one) => one?.remove()))
  })

  /** A connection through TLS with this certificate, and what it has complained of. */
  const connectOver = async (t: TestContext, certificate: Certificate | undefined) => {
    assert.ok(certificate && 'port' in server)
    const door = await openTlsDoor({ port: server.port, certificate })
    const lines: string[] = []
    const log = createLogger({ service: 'test', destination: { write: (line) => void lines.push(line) } })
    const connection = redisConnection({ url: `rediss://localhost:${door.port}`, log, meanwhile: 'it is tested' })
    t.after(() => {
      connection.close()
      return door.close()
    })
    const complaint = () => lines.find((line) => line.includes('Redis cannot be used'))
    return { connection, complaint: () => until(async () => complaint(), { what: 'a complaint' }) }
  }
  const trust = (...certificates: readonly (Certificate | undefined)[]) =>
    setDefaultCACertificates([...before, ...certificates.flatMap((one) => (one ? [one.ca] : []))])

  test('works when the certificate is good', async (t) => {
    trust(ours)
    const { connection } = await connectOver(t, ours)
    await until(async () => connection.isUp(), { what: 'a connection' })
    assert.equal(await connection.ask((client) => client.set('a', 'b')), 'OK')
  })

  test('is not spoken to anybody whose certificate nobody of ours has signed, or who is somebody else', async (t) => {
    trust(ours, others)
    const unknown = await connectOver(t, theirs)
    assert.match(await unknown.complaint(), /UNABLE_TO|SELF_SIGNED|signature/)
    const impostor = await connectOver(t, others)
    assert.match(await impostor.complaint(), /ERR_TLS_CERT_ALTNAME_INVALID/)
    for (const { connection } of [unknown, impostor])
      assert.equal(await connection.ask((client) => client.ping()), undefined)
  })
})
