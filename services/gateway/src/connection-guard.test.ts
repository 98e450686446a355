import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { type GuardOptions, guardConnections } from './connection-guard.ts'

const PATIENCE_MS = 5_000

async function guarded(t: TestContext, options: Partial<GuardOptions> = {}, answer?: RequestListener) {
  const server = createServer(
    answer ?? ((request, response) => void request.resume().once('end', () => response.end('ok'))),
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => void socket.end(`cut off: ${error.code}`))
  const guard = guardConnections(server, {
    mostConnections: 100,
    mostPerAddress: 100,
    leastBytesPerS: 100,
    patienceMs: PATIENCE_MS,
    isTrusted: () => false,
    ...options,
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  t.after(() => {
    guard.close()
    for (const socket of sockets) socket.destroy()
    server.close().closeAllConnections()
  })
  const dial = async (localAddress = '127.0.0.1') => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  return { guard, dial }
}

const get = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n'
const post = (length: number) => `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n\r\n`

/** Everything that comes until the other side is done. */
const allOf = async (socket: Socket) => {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}
const isClosed = (socket: Socket) => until(async () => socket.closed, { what: 'the connection is closed' })
const answers = async (socket: Socket) => {
  socket.write(get)
  const [chunk] = await once(socket, 'data')
  assert.match(String(chunk), /^HTTP\/1\.1 200 /)
}

describe('the number of connections', () => {
  test('one address has no more than its share, and others are served', async (t) => {
    const { dial, guard } = await guarded(t, { mostPerAddress: 3 })
    const three = await Promise.all([1, 2, 3].map(() => dial('127.0.0.2')))
    await until(async () => guard.connections() === 3, { what: 'three connections' })
    await isClosed((await dial('127.0.0.2')).resume())
    await answers(await dial('127.0.0.3'))
    three[0]?.destroy()
    await until(async () => guard.connections() === 3, { what: 'one has gone' })
    await answers(await dial('127.0.0.2'))
  })

  test('a trusted proxy brings everybody, and has no share', async (t) => {
    const { dial, guard } = await guarded(t, { mostPerAddress: 1, isTrusted: (address) => address === '127.0.0.2' })
    await Promise.all(Array.from({ length: 10 }, () => dial('127.0.0.2')))
    await until(async () => guard.connections() === 10, { what: 'ten connections' })
  })

  test('when the house is full, one that does nothing makes room; one that works does not', async (t) => {
    const held: (() => void)[] = []
    const { dial, guard } = await guarded(t, { mostConnections: 2 }, (request, response) =>
      request.url === '/' ? response.end('ok') : void held.push(() => response.end('late')),
    )
    const working = await dial()
    working.write(get.replace('GET /', 'GET /slow'))
    await until(async () => held.length === 1, { what: 'a request under way' })
    const idle = await dial()
    await answers(idle)
    await answers(await dial())
    await isClosed(idle)
    assert.equal(guard.connections(), 2)
    held[0]?.()
    const [chunk] = await once(working, 'data')
    assert.match(String(chunk), /late$/)
  })

  test('when all of them work, who comes then is turned away', async (t) => {
    const { dial, guard } = await guarded(t, { mostConnections: 1 }, () => {})
    const working = await dial()
    working.write(get)
    await until(async () => guard.connections() === 1, { what: 'a connection' })
    await isClosed((await dial()).resume())
    assert.equal(working.closed, false)
  })
})

describe('slow connections', () => {
  test('a body that trickles is answered with 408 when patience ends, and the connection is closed for good', async (t) => {
    const seen: string[] = []
    const { dial, guard } = await guarded(t, {}, (request) => void seen.push(request.resume().url ?? ''))
    const socket = await dial()
    socket.write(`${post(1_000)}a few bytes`)
    await until(async () => seen.length > 0, { what: 'the request' })
    guard.sweep(0) // those bytes came since the last look
    guard.sweep(1_000)
    guard.sweep(1_000 + PATIENCE_MS - 1)
    assert.equal(socket.readableLength, 0)
    guard.sweep(1_000 + PATIENCE_MS)
    const [chunk] = await once(socket, 'data')
    assert.match(String(chunk), /cut off: ERR_HTTP_REQUEST_TIMEOUT/)
    // it never closes its side
    for (let nowMs = 10_000; nowMs <= 10_000 + 2 * PATIENCE_MS; nowMs += 1_000) guard.sweep(nowMs)
    await until(async () => guard.connections() === 0, { what: 'nothing is left of it' })
  })

  test('a body that comes fast enough is waited for', async (t) => {
    const { dial, guard } = await guarded(t)
    const socket = await dial()
    const answer = once(socket, 'data')
    socket.write(post(20 * 200))
    for (let count = 0; count < 20; count += 1) {
      socket.write('x'.repeat(200))
      const bytes = count
      await until(async () => socket.bytesWritten > bytes, { what: 'it is written' })
      await new Promise((resolve) => setImmediate(resolve))
      guard.sweep(count * 1_000)
    }
    assert.match(String((await answer)[0]), /^HTTP\/1\.1 200 /)
  })

  test('an answer that is not read is broken off when patience ends', async (t) => {
    const { dial, guard } = await guarded(
      t,
      {},
      (_request, response) => void response.end(Buffer.alloc(64 * 1_024 * 1_024)),
    )
    const socket = (await dial()).pause()
    socket.write(get)
    await until(async () => guard.connections() === 1 && socket.readableLength > 0, { what: 'the answer begins' })
    for (let nowMs = 0; nowMs <= 3 * PATIENCE_MS; nowMs += 1_000) guard.sweep(nowMs)
    await until(async () => guard.connections() === 0, { what: 'it is cut off' })
    assert.ok(Buffer.byteLength(await allOf(socket).catch(() => '')) < 64 * 1_024 * 1_024)
  })

  test('a service that takes its time is not the fault of the client', async (t) => {
    const held: (() => void)[] = []
    const { dial, guard } = await guarded(t, {}, (_request, response) => void held.push(() => response.end('late')))
    const socket = await dial()
    socket.write(get)
    await until(async () => held.length === 1, { what: 'the request' })
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_000) guard.sweep(nowMs)
    held[0]?.()
    assert.match(String((await once(socket, 'data'))[0]), /late$/)
  })

  test('an idle connection is none of its business', async (t) => {
    const { dial, guard } = await guarded(t)
    const socket = await dial()
    await answers(socket)
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_000) guard.sweep(nowMs)
    await answers(socket)
  })
})
