import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { WebSocket } from 'undici'
import { ask, nowhere, sendRaw, startGateway, startIssuer } from './gateway-harness.ts'
import { startUser } from './user-stand-in.ts'
import { startWebSocketService } from './web-socket-service.ts'

const PATH = '/api/v1/live/1'
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': KEY,
  'sec-websocket-version': '13',
}

/** As bytes, for what no client of good manners would send. */
const spelled = (headers: Readonly<Record<string, string | undefined>>, path = PATH) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: shop',
    ...Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`)),
    '',
    '',
  ] as const

interface Options {
  readonly answer?: (request: IncomingMessage, socket: Socket) => boolean
  readonly given?: Readonly<Record<string, string>>
  readonly route?: object
  readonly jwks?: string
  readonly order?: string
  readonly drainMs?: number
}

/** A gateway with a routes file that has a WebSocket of the order service, and that service. */
async function start(t: TestContext, { answer, given, route, order, ...options }: Options = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'micromart-routes-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'routes.json')
  const live = { route: 'GET /api/v1/live/:id', service: 'order', access: 'public', webSocket: true, ...route }
  await writeFile(file, JSON.stringify({ routes: [live] }))
  const service = await startWebSocketService(t, answer ? { answer } : {})
  const door = await startGateway(t, {
    ...{ order: order ?? service.url, given: { ROUTES_FILE: file, ...given } },
    ...options,
  })
  const open = (headers: Record<string, string> = {}) => {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}${PATH}`, { headers })
    t.after(() => socket.close())
    return socket
  }
  return { door, service, open }
}

const opened = (socket: WebSocket) =>
  new Promise<WebSocket>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket))
    socket.addEventListener('error', () => reject(new Error('it was refused')))
  })
const closed = (socket: WebSocket) =>
  new Promise<{ code: number; wasClean: boolean }>((resolve) => {
    socket.addEventListener('close', ({ code, wasClean }) => resolve({ code, wasClean }))
  })
const said = async (socket: WebSocket): Promise<string> =>
  String(((await once(socket as never, 'message')) as unknown as [{ data: unknown }])[0].data)

describe('a WebSocket that is refused', { timeout: 60_000 }, () => {
  test('where the route is none, as an ordinary request, and the service hears of no upgrade', async (t) => {
    let upgrades = 0
    const { door } = await start(t, { answer: () => ++upgrades > 0 })
    const path = '/api/v1/orders/1'
    const { status, body } = await ask(door.url, { path, headers: handshake })
    assert.deepEqual([status, body], [200, { from: 'the service' }])
    assert.equal((await ask(door.url, { path: '/api/v1/nowhere', headers: handshake })).status, 404)
    assert.equal((await ask(door.url, { path: '/health', headers: handshake })).status, 200)
    assert.equal(upgrades, 0)
  })

  test('whose handshake is not whole', async (t) => {
    const { door, service } = await start(t)
    const cases: Record<string, [number, Record<string, string | undefined>]> = {
      'no upgrade at all': [426, { upgrade: undefined, connection: undefined }],
      'no Upgrade': [426, { upgrade: undefined }],
      'another protocol': [426, { upgrade: 'h2c' }],
      'no Connection': [426, { connection: undefined }],
      'another version': [426, { 'sec-websocket-version': '8' }],
      'no version': [426, { 'sec-websocket-version': undefined }],
      'no key': [400, { 'sec-websocket-key': undefined }],
      'a short key': [400, { 'sec-websocket-key': 'dGhl' }],
      'a body': [426, { 'content-length': '0004' }],
    }
    for (const [what, [status, change]] of Object.entries(cases)) {
      const lines = spelled({ ...handshake, connection: 'Upgrade, close', ...change })
      const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
      socket.write(lines.join('\r\n'))
      const [answer] = await once(socket.setEncoding('latin1'), 'data')
      socket.destroy()
      assert.match(String(answer), new RegExp(`^HTTP/1.1 ${status} `), what)
      if (status === 426) assert.match(String(answer), /\r\nupgrade: websocket\r\n/i, what)
    }
    assert.equal(service.peers.length, 0)
  })

  test('whose handshake comes with something behind it, or behind a request without an answer', async (t) => {
    const { door, service } = await start(t)
    assert.equal(
      await sendRaw(door.url, ...spelled(handshake), 'GET /api/v1/orders HTTP/1.1', 'Host: shop', '', ''),
      '',
    )
    const piped = await sendRaw(
      door.url,
      ...spelled({}, '/api/v1/orders/1').slice(0, -1),
      ...spelled({ ...handshake, connection: 'Upgrade, close' }),
    )
    assert.match(piped, /^HTTP\/1.1 200 [\s\S]*HTTP\/1.1 426 /)
    assert.equal(service.peers.length, 0)
  })

  test('without a token, with a bad one, and with one that may not', async (t) => {
    const issuer = await startIssuer(t)
    const { door, service, open } = await start(t, { jwks: issuer.jwksUrl, route: { access: 'stock:read' } })
    const answered = async (token?: string) => {
      const { status, body } = await ask(door.url, { path: PATH, headers: handshake, ...(token && { token }) })
      return [status, body.code]
    }
    assert.deepEqual(await answered(), [401, 'auth.required'])
    assert.deepEqual(await answered('bad'), [401, 'auth.invalid-token'])
    assert.deepEqual(await answered(await issuer.as('customer')), [403, 'auth.forbidden'])
    assert.equal(service.peers.length, 0)
    await opened(open({ authorization: `Bearer ${await issuer.as('staff')}` }))
  })

  test('when its client has asked too much', async (t) => {
    const { door, open } = await start(t, { given: { RATE_LIMITS: 'address=1/600' } })
    await opened(open())
    const { status, body } = await ask(door.url, { path: PATH, headers: handshake })
    assert.deepEqual([status, body.code], [429, 'rate-limit.exceeded'])
  })

  test('that a page of somebody else would open', async (t) => {
    const { door, open } = await start(t, { given: { CORS_ORIGINS: 'https://friend.example,*' } })
    for (const origin of ['https://evil.example', 'null', 'https://friend.example.evil.example']) {
      const { status, body } = await ask(door.url, { path: PATH, headers: { ...handshake, origin } })
      assert.deepEqual([status, body.code], [403, 'cors.origin-unknown'], origin)
    }
    await opened(open({ origin: 'https://friend.example' }))
    await opened(open({ origin: door.url }))
  })

  test('when there are too many, of one address or in all; one that closes makes room', async (t) => {
    const given = { MOST_WEB_SOCKETS: '3', MOST_WEB_SOCKETS_PER_ADDRESS: '2' }
    const { door, open } = await start(t, { given })
    const first = await opened(open())
    await opened(open())
    const again = (from?: string) => ask(door.url, { path: PATH, headers: handshake, ...(from && { from }) })
    const { status, body, headers } = await again()
    assert.deepEqual([status, body.code, headers['retry-after']], [429, 'web-socket.too-many', '5'])
    const other = connect({ port: Number(new URL(door.url).port), host: '127.0.0.1', localAddress: '127.0.0.2' })
    t.after(() => other.destroy())
    other.write(spelled(handshake).join('\r\n'))
    await once(other, 'data')
    assert.equal((await again('127.0.0.3')).body.code, 'gateway.overloaded')
    first.close()
    await closed(first)
    await opened(open())
  })

  test('by its service: the answer is passed on as any other', async (t) => {
    const answer = (_: IncomingMessage, socket: Socket) =>
      Boolean(
        socket.end(
          'HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"code":"full"}',
        ),
      )
    const { door } = await start(t, { answer })
    const { status, body, headers } = await ask(door.url, { path: PATH, headers: handshake })
    assert.deepEqual([status, body, headers.connection], [409, { code: 'full' }, 'close'])
  })

  test('when the service is away, hangs, agrees to something else, or breaks off', async (t) => {
    const cases: Record<string, [number, string, Partial<Options>]> = {
      away: [503, 'service.unavailable', { order: nowhere }],
      hangs: [504, 'gateway.timeout', { answer: () => true, route: { deadlineMs: 50 } }],
      'breaks off': [503, 'service.unavailable', { answer: (_, socket) => Boolean(socket.destroy()) }],
      'says yes to somebody else': [
        502,
        'gateway.bad-upstream',
        {
          answer: (_, socket) =>
            socket.write(
              'HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
            ),
        },
      ],
      'speaks another protocol': [
        502,
        'gateway.bad-upstream',
        { answer: (_, socket) => socket.write('HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n') },
      ],
    }
    for (const [what, [status, code, options]] of Object.entries(cases)) {
      const { door } = await start(t, options)
      const answer = await ask(door.url, { path: PATH, headers: handshake })
      assert.deepEqual([answer.status, answer.body.code], [status, code], what)
    }
  })

  test('while the breaker is open', async (t) => {
    const { door } = await start(t, { answer: () => true, route: { deadlineMs: 20 } })
    const answers = Array.from({ length: 20 }, () => ask(door.url, { path: PATH, headers: handshake }))
    assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([504]))
    const { status, body } = await ask(door.url, { path: PATH, headers: handshake })
    assert.deepEqual([status, body.code], [503, 'service.unavailable'])
  })
})

describe('a WebSocket that is open', { timeout: 60_000 }, () => {
  test('carries messages both ways, and the service hears no lies of who is there', async (t) => {
    const { service, open } = await start(t)
    const socket = await opened(open({ 'x-user-id': 'admin', 'x-forwarded-for': '203.0.113.9', cookie: 'a=b' }))
    for (const text of ['one', 'x'.repeat(60_000)]) {
      const answer = said(socket)
      socket.send(text)
      assert.equal(await answer, text)
    }
    const { headers } = service.peers[0]?.request ?? assert.fail()
    assert.equal(headers['x-user-id'], undefined)
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers.cookie, 'a=b')
    assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/)
    const end = closed(socket)
    socket.close(4001)
    assert.deepEqual(await end, { code: 4001, wasClean: true })
  })

  test('says yes with the manners of every answer, and nothing of the inside', async (t) => {
    const { door } = await start(t)
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(spelled(handshake).join('\r\n'))
    const [text] = (await once(socket.setEncoding('latin1'), 'data')) as [string]
    assert.match(text, /^HTTP\/1.1 101 Switching Protocols\r\n/)
    assert.match(text, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i)
    assert.match(text, /\r\nx-request-id: /i)
    assert.doesNotMatch(text, /secret/)
  })

  test('ends at the service when its client is gone, with or without a word', async (t) => {
    const { door, service, open } = await start(t)
    const polite = await opened(open())
    polite.close()
    await until(async () => service.peers[0]?.socket.destroyed, { what: 'the service sees the polite end' })
    const rude = connect(Number(new URL(door.url).port), '127.0.0.1')
    rude.write(spelled(handshake).join('\r\n'))
    await once(rude, 'data')
    rude.resetAndDestroy()
    await until(async () => service.peers[1]?.socket.destroyed, { what: 'the service sees the rude end' })
  })

  test('ends at the client when the service is gone, with or without a word', async (t) => {
    const { service, open } = await start(t)
    const [polite, rude] = [await opened(open()), await opened(open())]
    const ends = [closed(polite), closed(rude)]
    service.peers[0]?.say(Buffer.from([0x0f, 0xa1]), 8)
    service.peers[1]?.socket.resetAndDestroy()
    assert.deepEqual(
      (await Promise.all(ends)).map(({ code }) => code),
      [4001, 1006],
    )
  })

  for (const [what, leave] of Object.entries({
    leaves: (client: Socket) => client.end(),
    'breaks off': (client: Socket) => client.resetAndDestroy(),
    'does not wait for the answer': (client: Socket) => client.write('GET / HTTP/1.1\r\n'),
  }))
    test(`a handshake whose client ${what} is given up at the service`, async (t) => {
      let asked: Socket | undefined
      const { door } = await start(t, {
        route: { deadlineMs: 300_000 },
        answer: (_, socket) => {
          asked = socket.resume()
          return true
        },
      })
      const client = connect(Number(new URL(door.url).port), '127.0.0.1')
      client.write(spelled(handshake).join('\r\n'))
      await until(async () => asked, { what: 'the service is asked' })
      leave(client)
      await until(async () => asked?.destroyed, { what: 'the service sees that nobody waits', withinMs: 8_000 })
    })

  test('makes the side that sends wait while the other does not read, in both directions', async (t) => {
    const { door, service } = await start(t)
    const client = connect(Number(new URL(door.url).port), '127.0.0.1')
    t.after(() => client.destroy())
    client.write(spelled(handshake).join('\r\n'))
    await once(client, 'data')
    const { socket } = service.peers[0] ?? assert.fail()
    socket.removeAllListeners('data')
    for (const [from, to] of [
      [socket, client],
      [client, socket],
    ] as const) {
      to.pause()
      const chunk = Buffer.alloc(1024 * 1024)
      let sent = 0
      const pour = () => {
        do sent += chunk.length
        while (from.write(chunk) && sent < 4e9)
      }
      from.on('drain', pour)
      pour()
      let [last, looks] = [0, 0]
      const stands = async () => {
        looks = sent === last ? looks + 1 : 0
        last = sent
        return looks > 15
      }
      await until(stands, { what: 'it has to wait', withinMs: 20_000 })
      assert.ok(sent < 64 * 1024 * 1024, `${sent}`)
      from.off('drain', pour)
      let received = 0
      to.on('data', (part: Buffer) => {
        received += part.length
      })
      to.resume()
      await until(async () => received >= sent, { what: 'all of it comes', withinMs: 20_000 })
      to.removeAllListeners('data')
    }
  })

  test('is ended when nothing was said for too long, and not while somebody talks', async (t) => {
    const { service, open } = await start(t, { given: { WEB_SOCKET_IDLE_S: '3' } })
    const [silent, lively] = [await opened(open()), await opened(open())]
    let isOver = false
    void closed(lively).then(() => {
      isOver = true
    })
    const talk = setInterval(() => service.peers[1]?.say('I am here'), 100)
    t.after(() => clearInterval(talk))
    assert.deepEqual(await closed(silent), { code: 1001, wasClean: true })
    assert.equal(isOver, false)
  })

  test('is ended when its session is', async (t) => {
    const [user, issuer] = [await startUser(t), await startIssuer(t)]
    const { open } = await start(t, { jwks: issuer.jwksUrl, given: { USER_GRPC_URL: user.url } })
    const authorization = async (sid: string) => ({ authorization: `Bearer ${await issuer.sign({ claims: { sid } })}` })
    const [one, other] = [await opened(open(await authorization('a'))), await opened(open(await authorization('b')))]
    const end = closed(one)
    user.ended.push({ sessionId: 'a', tokensExpireAt: '2100-01-01T00:00:00Z' })
    assert.deepEqual(await end, { code: 1008, wasClean: true })
    assert.equal(other.readyState, WebSocket.OPEN)
  })

  test('is told to go elsewhere when the gateway is told to end, and so is its service', async (t) => {
    const { door, service, open } = await start(t)
    const sockets = [await opened(open()), await opened(open())]
    const ends = sockets.map(closed)
    await door.drain()
    for (const end of ends) assert.deepEqual(await end, { code: 1001, wasClean: true })
    const told = service.peers.map(({ heard }) => heard.at(-1))
    assert.deepEqual(
      told.map((last) => [last?.opcode, last?.payload.readUInt16BE(0)]),
      [
        [8, 1001],
        [8, 1001],
      ],
    )
    await door.close()
  })

  test('in the middle of a message: it is ended without a word, and holds nobody up', async (t) => {
    const { door, service } = await start(t)
    const client = connect(Number(new URL(door.url).port), '127.0.0.1').on('error', () => {})
    client.write(spelled(handshake).join('\r\n'))
    await once(client, 'data')
    let heard = Buffer.alloc(0)
    client.on('data', (part: Buffer) => {
      heard = Buffer.concat([heard, part])
    })
    const half = Buffer.from([0x82, 100, 1, 2, 3])
    service.peers[0]?.socket.write(half)
    await until(async () => heard.length === half.length, { what: 'half a frame' })
    await door.close()
    await until(async () => client.destroyed || client.readableEnded, { what: 'the end' })
    assert.deepEqual(heard, half)
  })
})
