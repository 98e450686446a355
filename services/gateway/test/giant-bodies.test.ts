import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, type TestContext, test } from 'node:test'
import { route, startGatewayTo, startSocketService } from './gateway-harness.ts'

/**
 * One GiB each way takes about ten seconds of a processor here, and ten times what a gateway that keeps nothing may grow is enough to find
 * out one that does. `MICROMART_GIANT_GIB=10` sends ten, which no counter of 32 bits and no memory of a test machine holds.
 */
const SIZE = Number(process.env['MICROMART_GIANT_GIB'] ?? 1) * 1024 ** 3
const MIB = 1024 ** 2
/** One buffer that is sent again and again: what grows is not the sender's. */
const CHUNK = Buffer.alloc(4 * MIB, 'x')
/** From here on the gateway is as large as it gets by running at all. */
const WARM = 64 * MIB
/** For buffers of sockets and streams on the way, and what the collector has not come to yet. */
const MOST_GROWTH = 100 * MIB

const patient = { deadlineMs: 3_600_000, bodyLimit: Number.MAX_SAFE_INTEGER }
const routes = [route('GET /things', patient), route('POST /things', patient)]

function* chunks() {
  for (let sent = 0; sent < SIZE; sent += CHUNK.length) yield CHUNK
}

/** As fast as it is taken. @throws when the other side goes away */
const pour = (into: Socket) => pipeline(Readable.from(chunks()), into, { end: false })

/** Reads into one buffer, over and over. */
function counting(port: number) {
  const buffer = Buffer.alloc(MIB)
  let received = 0
  let head = ''
  const callback = (count: number) => {
    if (received === 0) head = buffer.toString('latin1', 0, Math.min(count, 1_000))
    received += count
    return true
  }
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } })
  return { socket, head: () => head, received: () => received }
}

/** By how much this process, in which the gateway is, grew at most since it was warm. */
async function growthOf(flowed: () => number, run: () => Promise<unknown>): Promise<number> {
  let first = 0
  let most = 0
  const look = setInterval(() => {
    if (flowed() < WARM) return
    most = Math.max(most, process.memoryUsage.rss())
    first ||= most
  }, 50)
  await run().finally(() => clearInterval(look))
  assert.ok(first > 0, 'it was looked at')
  return most - first
}

const portOf = (url: string) => Number(new URL(url).port)

describe('giant bodies pass through the gateway, which keeps nothing of them', { timeout: 3_600_000 }, () => {
  test('from a service', async (t) => {
    const service = await startSocketService(t, (socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`)
        pour(socket).catch(() => {}) // then the other end is short of something
      })
    })
    const { socket, head, received } = counting(portOf(await startGatewayTo(t, { url: service, routes })))
    const growth = await growthOf(received, async () => {
      socket.write('GET /things HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n')
      await once(socket, 'close')
    })
    assert.match(head(), /^HTTP\/1.1 200 /)
    assert.equal(received() - (head().indexOf('\r\n\r\n') + 4), SIZE)
    t.diagnostic(`grew by ${Math.round(growth / MIB)} MiB while ${SIZE / MIB} MiB flowed`)
    assert.ok(growth < MOST_GROWTH, `${growth}`)
  })

  test('from a client', async (t) => {
    const { url, taken } = await countingService(t)
    const client = connect(portOf(await startGatewayTo(t, { url, routes, requestTimeoutMs: 0 })), '127.0.0.1')
    const answer = client.setEncoding('latin1').toArray()
    const growth = await growthOf(taken, async () => {
      client.write(`POST /things HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: ${SIZE}\r\n\r\n`)
      await pour(client)
      await answer
    })
    assert.match((await answer).join(''), /^HTTP\/1.1 200 [\s\S]*all of it$/)
    assert.equal(taken(), SIZE)
    t.diagnostic(`grew by ${Math.round(growth / MIB)} MiB while ${SIZE / MIB} MiB flowed`)
    assert.ok(growth < MOST_GROWTH, `${growth}`)
  })
})

/** Counts a body, and answers when all of it is there. */
async function countingService(t: TestContext): Promise<{ url: string; taken: () => number }> {
  let taken = 0
  let head = ''
  const take = (chunk: Buffer) => {
    if (taken > 0) taken += chunk.length
    else {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end >= 0) taken = head.length - end - 4
    }
  }
  const url = await startSocketService(t, (socket) => {
    socket.on('data', (chunk: Buffer) => {
      take(chunk)
      if (taken === SIZE) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nall of it')
    })
  })
  return { url, taken: () => taken }
}
