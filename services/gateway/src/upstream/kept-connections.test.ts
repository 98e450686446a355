import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until as untilIn } from '@micromart/testkit/until'
import { keptConnections } from './kept-connections.ts'
import type { Asker, Conversation, Question, Transport } from './transport.ts'

const until = (isSo: () => boolean) => untilIn(async () => isSo(), { what: 'what the service sees', withinMs: 10_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const question = (more: Partial<Question> = {}): Question => ({
  method: 'GET',
  target: '/',
  headers: ['host', 'shop'],
  body: undefined,
  ...more,
})

interface Peer {
  readonly url: URL
  readonly server: Server
  /** Every connection, and what has come on it. */
  readonly connections: readonly { readonly socket: Socket; text: string }[]
}

/** A server that speaks as it is told each time something comes. */
async function startPeer(t: TestContext, talk: (socket: Socket, text: string) => void): Promise<Peer> {
  const connections: { socket: Socket; text: string }[] = []
  const server = createServer((socket) => {
    const connection = { socket, text: '' }
    connections.push(connection)
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        connection.text += bytes.toString('latin1')
        talk(socket, bytes.toString('latin1'))
      })
  })
  t.after(() => {
    server.close()
    for (const { socket } of connections) socket.destroy()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), server, connections }
}

function open(t: TestContext, url: URL, options: { most?: number; now?: () => number } = {}): Transport {
  const transport = keptConnections(url, { most: 4, idleMs: 60_000, connectTimeoutMs: 2_000, ...options })
  t.after(() => void transport.close())
  return transport
}

interface Asked {
  readonly answer: Promise<{ status: number; body: string } | Error>
  readonly conversation: () => Conversation | undefined
}

function ask(transport: Transport, what: Question = question(), onChunk: (chunk: Buffer) => void = () => {}): Asked {
  let conversation: Conversation | undefined
  let status = 0
  let body = ''
  const answer = new Promise<{ status: number; body: string } | Error>((resolve) => {
    const asker: Asker = {
      onAsked: (now) => {
        conversation = now
      },
      onHead: (given) => {
        status = given
      },
      onChunk: (chunk) => {
        body += chunk.toString('latin1')
        onChunk(chunk)
      },
      onEnd: () => resolve({ status, body }),
      onFailed: resolve,
    }
    transport.ask(what, asker)
  })
  return { answer, conversation: () => conversation }
}

const ok = { status: 200, body: 'ok' }
const codeOf = async ({ answer }: Asked) => ((await answer) as Error & { code?: string }).code

test('one connection carries one question after the other', async (t) => {
  const peer = await startPeer(t, (socket) => socket.write(OK))
  const transport = open(t, peer.url)
  for (let count = 0; count < 3; count += 1) assert.deepEqual(await ask(transport).answer, ok)
  assert.equal(peer.connections.length, 1)
  assert.equal(peer.connections[0]?.text, 'GET / HTTP/1.1\r\nconnection: keep-alive\r\nhost: shop\r\n\r\n'.repeat(3))
})

test('a whole body goes with its length, and what names no host gets the address', async (t) => {
  const peer = await startPeer(t, (socket) => socket.write(OK))
  const transport = open(t, peer.url)
  await ask(transport, question({ method: 'POST', headers: ['a', 'ü'], body: Buffer.from('{}') })).answer
  await ask(transport, question({ method: 'POST', headers: [] })).answer
  const host = `host: ${peer.url.host}\r\n`
  assert.equal(
    peer.connections[0]?.text,
    `POST / HTTP/1.1\r\nconnection: keep-alive\r\na: ü\r\n${host}content-length: 2\r\n\r\n{}` +
      `POST / HTTP/1.1\r\nconnection: keep-alive\r\n${host}content-length: 0\r\n\r\n`,
  )
})

test('there are never more connections than allowed, and whoever waits gets the next that is free', async (t) => {
  const peer = await startPeer(t, () => {})
  const transport = open(t, peer.url, { most: 2 })
  const all = [1, 2, 3, 4].map((number) => ask(transport, question({ target: `/${number}` })))
  await until(() => peer.connections.filter(({ text }) => text !== '').length === 2)
  all[2]?.conversation()?.giveUp()
  for (const { socket } of peer.connections) socket.write(OK)
  assert.deepEqual(await all[0]?.answer, ok)
  await until(() => peer.connections.some(({ text }) => text.includes('GET /4 ')))
  for (const { socket, text } of peer.connections) if (text.includes('GET /4 ')) socket.write(OK)
  assert.deepEqual(await all[3]?.answer, ok)
  assert.equal(peer.connections.length, 2)
  assert.ok(!peer.connections.some(({ text }) => text.includes('GET /3 ')), 'nobody wanted that any more')
})

test('a connection that was idle for too long is not used, and closed', async (t) => {
  let now = 0
  const peer = await startPeer(t, (socket) => socket.write(OK))
  const transport = open(t, peer.url, { now: () => now })
  await ask(transport).answer
  now = 60_001
  assert.deepEqual(await ask(transport).answer, ok)
  assert.equal(peer.connections.length, 2)
})

test('a service that says goodbye is not asked on that connection again', async (t) => {
  const peer = await startPeer(t, (socket) => socket.write(OK.replace('\r\n', '\r\nConnection: close\r\n')))
  const transport = open(t, peer.url)
  await ask(transport).answer
  await ask(transport).answer
  assert.equal(peer.connections.length, 2)
})

test('what was not sent yet on a connection that is lost goes out on another', async (t) => {
  const peer = await startPeer(t, (socket) => socket.write(`${OK}and more than was asked for`))
  const transport = open(t, peer.url, { most: 1 })
  const first = ask(transport)
  const second = ask(transport)
  assert.deepEqual(await first.answer, ok)
  assert.deepEqual(await second.answer, ok)
  assert.equal(peer.connections.length, 2)
})

const failures: readonly (readonly [what: string, talk: (socket: Socket) => void, code: string])[] = [
  ['is closed without an answer', (socket) => socket.end(), 'ECONNRESET'],
  ['is reset', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ['is closed in the middle of an answer', (socket) => socket.end(OK.slice(0, -1)), 'ECONNRESET'],
  ['brings garbage', (socket) => socket.write('garbage\r\n\r\n'), 'EBADANSWER'],
]
for (const [what, talk, code] of failures)
  test(`a connection that ${what} fails its question, and no other`, async (t) => {
    let isFirst = true
    const peer = await startPeer(t, (socket) => {
      if (isFirst) talk(socket)
      else socket.write(OK)
      isFirst = false
    })
    const transport = open(t, peer.url)
    assert.equal(await codeOf(ask(transport)), code)
    assert.deepEqual(await ask(transport).answer, ok)
  })

test('where nobody listens, nothing was sent', async (t) => {
  const peer = await startPeer(t, () => {})
  peer.server.close()
  await once(peer.server, 'close')
  const failure = await ask(open(t, peer.url)).answer
  assert.equal((failure as Error & { syscall?: string }).syscall, 'connect')
})

test('an address that is no request target is refused, and the connection goes on', async (t) => {
  const peer = await startPeer(t, (socket) => socket.write(OK))
  const transport = open(t, peer.url)
  assert.equal(await codeOf(ask(transport, question({ target: '/ HTTP/1.1\r\nx: y' }))), 'EUNFIT')
  assert.deepEqual(await ask(transport).answer, ok)
  assert.equal(peer.connections[0]?.text.includes('x: y'), false)
})

test('an answer that is given up takes its connection along', async (t) => {
  const peer = await startPeer(t, (socket, text) => void (text.includes('/ok') && socket.write(OK)))
  const transport = open(t, peer.url)
  const asked = ask(transport)
  await until(() => peer.connections[0]?.text !== undefined && peer.connections[0].text !== '')
  asked.conversation()?.giveUp()
  assert.deepEqual(await ask(transport, question({ target: '/ok' })).answer, ok)
  assert.equal(peer.connections.length, 2)
})

test('while the asker pauses, the service has to wait', async (t) => {
  const size = 8 * 1024 * 1024
  const peer = await startPeer(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
    socket.write(Buffer.alloc(size))
  })
  let taken = 0
  const asked = ask(open(t, peer.url), question(), (chunk) => {
    if (taken === 0) asked.conversation()?.pause()
    taken += chunk.length
  })
  await until(() => (peer.connections[0]?.socket.writableLength ?? 0) > 0 && taken > 0)
  const before = taken
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(taken, before)
  assert.ok(taken < size)
  asked.conversation()?.resume()
  assert.equal(((await asked.answer) as { body: string }).body.length, size)
})

test('closing lets what runs finish, and takes nothing new', async (t) => {
  const peer = await startPeer(t, () => {})
  const transport = open(t, peer.url)
  const running = ask(transport)
  await until(() => peer.connections[0]?.text !== undefined && peer.connections[0].text !== '')
  const closed = transport.close()
  assert.equal(await codeOf(ask(transport)), 'ECLOSED')
  peer.connections[0]?.socket.write(OK)
  assert.deepEqual(await running.answer, ok)
  await closed
})
