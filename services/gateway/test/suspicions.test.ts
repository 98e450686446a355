import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createLogger } from '@micromart/telemetry/logger'
import { createSuspicions } from '../src/suspicions.ts'
import { ask, clock, route, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

const nowS = Math.floor(clock.now().getTime() / 1_000)

test('attempts to get around are noted as what they are, without a word of theirs; honest mistakes are not', async (t) => {
  const lines: string[] = []
  const log = createLogger({ service: 'gateway', destination: { write: (line) => void lines.push(line) } })
  const suspicions = createSuspicions({ log, nowMs: () => 0 })
  const issuer = await startIssuer(t)
  const service = await startService(t)
  const routes = [route('GET /open'), route('GET /mine', { access: 'signed-in' })]
  const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: issuer.jwksUrl, suspicions })
  const withToken = (token: string) => ask(url, { path: '/mine', headers: { authorization: `Bearer ${token}` } })
  const noted = () => Object.fromEntries(suspicions.counts())

  await withToken(await issuer.sign())
  await withToken(await issuer.sign({ claims: { exp: nowS - 60 } }))
  await ask(url, { path: '/mine' })
  await ask(url, { path: '/nowhere' })
  await ask(url, { path: '/mine', headers: { authorization: 'Basic YTpi' } })
  assert.deepEqual(noted(), {})

  const [, payload, signature] = (await issuer.sign()).split('.')
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  for (const token of [
    await issuer.sign({ withKeyOf: 'somebody else' }),
    await issuer.sign({ claims: { aud: 'another-api' } }),
    `${none}.${payload}.${signature}`,
  ])
    assert.equal((await withToken(token)).status, 401)
  assert.deepEqual(noted(), { 'auth.forged-token': 3 })

  for (const path of ['/a/../mine', '/%2e%2e/mine', '//mine'])
    assert.equal((await ask(url, { path })).status, 400, path)
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1\.1 400 /)
  assert.deepEqual(noted(), { 'auth.forged-token': 3, 'request.malformed': 4 })
  const logged = lines.filter((line) => line.includes('looks like an attack'))
  assert.equal(logged.length, 7)
  for (const line of logged) assert.ok(!line.includes('mine') && !line.includes(String(payload)), line)
})
