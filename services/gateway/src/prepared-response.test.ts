import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { headText, isIndependent, KEEP_ALIVE_MS, restText, type Said } from './prepared-head.ts'
import { PreparedResponse } from './prepared-response.ts'

const what: Said = {
  said: ['x-request-id', 'r1', 'vary', 'Origin', 'allow', 'GET'],
  own: [
    'content-type',
    'text/plain',
    'vary',
    'Accept-Encoding',
    'allow',
    'POST',
    'set-cookie',
    'a=1',
    'set-cookie',
    'b=ü',
  ],
  usual: ['x-content-type-options', 'nosniff', 'content-type', 'text/html'],
}
/** The same in one list, as `writeHead` takes it. */
const list = ['x-request-id', 'r1', 'vary', 'Origin', 'allow', 'GET', 'content-type', 'text/plain', 'vary', 'Accept-Encoding', 'set-cookie', 'a=1', 'set-cookie', 'b=ü', 'x-content-type-options', 'nosniff'] // biome-ignore format: one list

type Give = (response: PreparedResponse, request: IncomingMessage) => void

/** All bytes that come of one request on a connection that the client closes behind it. */
async function bytesOf(t: TestContext, give: Give, request: string): Promise<string> {
  const server = createServer(
    { ServerResponse: PreparedResponse as unknown as typeof ServerResponse, keepAliveTimeout: KEEP_ALIVE_MS },
    (asked, response) => give(response as unknown as PreparedResponse, asked),
  )
  t.after(() => server.close().closeAllConnections())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.setEncoding('latin1').write(request)
  let text = ''
  for await (const part of socket) {
    text += String(part)
    if (isWhole(text)) break
  }
  return text.replace(/Date: .*\r\n/, '')
}

const isWhole = (text: string) =>
  text.includes('\r\n\r\n') && (text.endsWith('body') || /^HTTP\/1\.1 (?:204|304)/.test(text))

const requests: Readonly<Record<string, string>> = {
  'an ordinary request': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'one that closes': 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'an old one': 'GET / HTTP/1.0\r\n\r\n',
  'an old one that stays': 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
}
for (const [name, request] of Object.entries(requests))
  test(`to ${name} it says to the byte what node:http says`, async (t) => {
    const length = ['content-length', '4']
    const own = await bytesOf(t, (response) => {
      response.begin(200, { ...what, own: [...what.own, ...length] })
      response.end('body', 'latin1')
    }, request) // biome-ignore format: one call
    const theirs = await bytesOf(t, (response) => response.writeHead(200, [...list.slice(0, -2), ...length, ...list.slice(-2)]).end('body', 'latin1'), request) // biome-ignore format: one call
    assert.equal(own, theirs)
    assert.match(own, /^HTTP\/1\.1 200 OK\r\n/)
  })

for (const status of [204, 304])
  test(`${status} has no body and no length`, async (t) => {
    const request = requests['an ordinary request'] ?? ''
    const own = await bytesOf(t, (response) => {
      response.begin(status, what)
      response.end()
    }, request) // biome-ignore format: one call
    const theirs = await bytesOf(t, (response) => response.writeHead(status, list).end(), request)
    assert.equal(own, theirs)
  })

test('two answers on one connection, the first in pieces', async (t) => {
  let count = 0
  const give: Give = (response) => {
    count += 1
    response.begin(200, { said: [], own: count === 1 ? ['content-length', '5'] : ['content-length', '4'], usual: [] })
    if (count === 1) response.write('fir')
    response.end(count === 1 ? 'st' : 'body')
  }
  const text = await bytesOf(t, give, (requests['an ordinary request'] ?? '').repeat(2))
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
  assert.match(text, /\r\n\r\nfirstHTTP/)
})

test('what is said again and again is the same as text, unless the gateway could say it too', () => {
  const own = ['content-type', 'text/plain', 'content-length', '4']
  assert.ok(isIndependent(own))
  const rest = restText({ ...what, said: [], own })
  assert.equal(
    headText(200, { ...what, said: ['x-request-id', 'r1'], own, rest }),
    headText(200, { ...what, said: ['x-request-id', 'r1'], own }),
  )
  for (const name of ['access-control-allow-origin', 'ratelimit-policy', 'x-request-id', 'date', 'cache-status'])
    assert.equal(isIndependent([...own, name, 'x']), false, name)
})
