import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { until } from './until.ts'

/** A server that sends back what it hears, with its name in front of each connection. */
async function startEcho(name: string): Promise<{ port: number; sockets: Set<Socket>; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.write(`${name}:`)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

interface Client {
  heard(): string
  state(): 'open' | 'ended' | string
  say(text: string): void
  hears(text: string): Promise<unknown>
  ends(): Promise<unknown>
}

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function open(port: number): Client {
  let text = ''
  let state = 'open'
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    state = error.code ?? 'error'
  })
  socket.on('close', () => {
    if (state === 'open') state = 'ended'
  })
  cleanUps.push(async () => socket.destroy())
  return {
    heard: () => text,
    state: () => state,
    say: (words) => void socket.write(words),
    hears: (words) => until(async () => text.includes(words), { what: `the client hears ${words}, not only ${text}` }),
    ends: () => until(async () => state !== 'open', { what: 'the connection ends' }),
  }
}

async function behind(...names: readonly string[]) {
  const echoes = await Promise.all(names.map(startEcho))
  const proxy: FaultProxy = await startFaultProxy({ upstreams: () => echoes })
  cleanUps.push(...echoes.map((echo) => () => echo.close()), () => proxy.close())
  return { proxy, echoes, client: () => open(proxy.port) }
}

describe('fault proxy', () => {
  test('passes everything on, both ways, to its end', async () => {
    const { client } = await behind('a')
    const shopper = client()
    const long = 'x'.repeat(2_000_000)
    shopper.say(`${long}!`)
    await shopper.hears('!')
    assert.equal(shopper.heard().length, 'a:'.length + long.length + 1)
  })

  test('takes the upstreams in turn and skips who does not accept', async () => {
    const { client, echoes } = await behind('a', 'b')
    const both = [client(), client()]
    await Promise.all(both.map((one) => one.hears(':')))
    assert.deepEqual(both.map((one) => one.heard()).toSorted(), ['a:', 'b:'])
    await echoes[0]?.close()
    for (const one of [client(), client(), client()]) {
      await one.hears(':')
      assert.equal(one.heard(), 'b:')
    }
  })

  test('breaks the connection when nobody accepts, and when the upstream dies', async () => {
    const { client, echoes } = await behind('a')
    const early = client()
    await early.hears('a:')
    await echoes[0]?.close()
    await early.ends()
    const late = client()
    await late.ends()
    assert.equal(late.state(), 'ECONNRESET')
  })

  test('latency delays, in order', async () => {
    const { proxy, client } = await behind('a')
    const shopper = client()
    await shopper.hears('a:')
    await proxy.apply({ kind: 'latency', delayMs: 60, jitterMs: 40 })
    const startedAt = performance.now()
    for (const word of ['1', '2', '3', '4', '5']) shopper.say(word)
    await shopper.hears('a:12345')
    assert.ok(performance.now() - startedAt >= 120, 'both ways are late')
  })

  test('a narrow line takes its time', async () => {
    const { proxy, client } = await behind('a')
    const shopper = client()
    await shopper.hears('a:')
    await proxy.apply({ kind: 'bandwidth', bytesPerSecond: 100_000 })
    const startedAt = performance.now()
    shopper.say(`${'x'.repeat(20_000)}!`)
    await shopper.hears('!')
    assert.ok(performance.now() - startedAt >= 190, 'twenty thousand bytes at a hundred thousand a second')
  })

  test('a partition is silent, and what was sent arrives when it heals', async () => {
    const { proxy, client, echoes } = await behind('a')
    const shopper = client()
    await shopper.hears('a:')
    await proxy.apply({ kind: 'partition' })
    shopper.say('hello')
    const late = client()
    late.say('late')
    await until(async () => proxy.connections() === 2, { what: 'the second connection is accepted' })
    assert.equal(echoes[0]?.sockets.size, 1, 'nobody hears the knock')
    assert.deepEqual([shopper.heard(), shopper.state(), late.heard(), late.state()], ['a:', 'open', '', 'open'])
    await proxy.heal()
    await shopper.hears('a:hello')
    await late.hears('a:late')
  })

  test('a partition hides that the upstream died', async () => {
    const { proxy, client, echoes } = await behind('a')
    const shopper = client()
    await shopper.hears('a:')
    await proxy.apply({ kind: 'partition' })
    await echoes[0]?.close()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(shopper.state(), 'open')
    await proxy.heal()
    await shopper.ends()
  })

  test('one way only', async () => {
    const { proxy, client, echoes } = await behind('a')
    const shopper = client()
    await shopper.hears('a:')
    await proxy.apply({ kind: 'one-way', lost: 'to-client' })
    let heardByServer = ''
    for (const socket of echoes[0]?.sockets ?? []) socket.on('data', (chunk) => (heardByServer += String(chunk)))
    shopper.say('question')
    await until(async () => heardByServer === 'question', { what: 'the question arrives' })
    assert.equal(shopper.heard(), 'a:')
    await proxy.heal()
    await shopper.hears('a:question')
  })

  test('half-open connections stay dead, those made after the healing live', async () => {
    const { proxy, client, echoes } = await behind('a')
    const old = client()
    await old.hears('a:')
    await proxy.apply({ kind: 'half-open' })
    const during = client()
    await until(async () => proxy.connections() === 2, { what: 'it is accepted' })
    await proxy.heal()
    old.say('anyone?')
    during.say('anyone?')
    const fresh = client()
    fresh.say('hello')
    await fresh.hears('a:hello')
    await until(async () => echoes[0]?.sockets.size === 1, { what: 'the server has noticed' })
    assert.deepEqual([old.heard(), old.state(), during.heard(), during.state()], ['a:', 'open', '', 'open'])
  })

  test('reset breaks what is open, and nothing else', async () => {
    const { proxy, client } = await behind('a')
    const old = client()
    await old.hears('a:')
    assert.equal(proxy.reset(), 1)
    await old.ends()
    assert.equal(old.state(), 'ECONNRESET')
    await client().hears('a:')
  })

  test('cuts the answer off after so many bytes', async () => {
    const { proxy, client, echoes } = await behind('a')
    await proxy.apply({ kind: 'cut-after', bytes: 5, direction: 'to-client' })
    const shopper = client()
    shopper.say('123456789')
    await shopper.ends()
    assert.ok('a:123'.startsWith(shopper.heard()), shopper.heard())
    await until(async () => echoes[0]?.sockets.size === 0, { what: 'the server hears of it' })
  })

  test('refuses, while what is open goes on; then listens on the same port', async () => {
    const { proxy, client } = await behind('a')
    const old = client()
    await old.hears('a:')
    await proxy.apply({ kind: 'refuse' })
    const refused = client()
    await refused.ends()
    assert.equal(refused.state(), 'ECONNREFUSED')
    old.say('still here')
    await old.hears('still here')
    await proxy.heal()
    await client().hears('a:')
  })
})
