import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { answerOf, route, startGatewayTo, startService, startSocketService } from './gateway-harness.ts'

const patient = { deadlineMs: 600_000, bodyLimit: Number.MAX_SAFE_INTEGER }
const routes = [route('GET /things', patient), route('POST /things', patient)]
const CHUNK = Buffer.alloc(64 * 1024, 'x')
const MIB = 1024 * 1024
/** More than all buffers of sockets and streams on the way hold together. */
const MOST_UNDER_WAY = 64 * MIB

/** Writes for ever, as fast as it is taken. @returns how many bytes were taken so far */
function pour(into: Pick<ServerResponse, 'write' | 'on' | 'destroyed'>): () => number {
  let poured = 0
  const more = () => {
    while (!into.destroyed) {
      poured += CHUNK.length
      if (!into.write(CHUNK)) return
    }
  }
  into.on('drain', more)
  more()
  return () => poured
}

/** Resolves once a number has stood still for many looks. */
async function standstill(number: () => number, what: string): Promise<number> {
  let last = -1
  let looks = 0
  return until(
    async () => {
      looks = number() === last ? looks + 1 : 0
      last = number()
      return looks > 15 && last > 0 && last
    },
    { what, withinMs: 30_000 },
  )
}

describe('bodies without end', () => {
  test('a client that does not read makes the service wait, and goes on where it stopped', async (t) => {
    let poured = () => 0
    let answering: ServerResponse | undefined
    const service = await startService(t, (_request, response) => {
      answering = response
      poured = pour(response)
    })
    const url = await startGatewayTo(t, { url: service.url, routes })
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    client.pause().on('error', () => {})
    client.write('GET /things HTTP/1.1\r\nHost: shop\r\n\r\n')
    const waiting = await standstill(() => poured(), 'the service has to wait')
    assert.ok(waiting < MOST_UNDER_WAY, `${waiting}`)
    client.resume()
    await until(async () => poured() > waiting + MOST_UNDER_WAY, { what: 'it flows again', withinMs: 60_000 })
    client.destroy()
    await until(async () => answering?.destroyed, { what: 'the service sees that nobody reads any more' })
  })

  test('a service that does not read makes the client wait, and takes no memory either', async (t) => {
    const service = await startSocketService(t, (socket) => socket.pause())
    const url = await startGatewayTo(t, { url: service, routes })
    const request = send(`${url}/things`, { method: 'POST', agent: false }).on('error', () => {})
    t.after(() => request.destroy())
    const poured = pour(request as unknown as ServerResponse)
    const waiting = await standstill(poured, 'the client has to wait')
    assert.ok(waiting < MOST_UNDER_WAY, `${waiting}`)
  })
})

describe('half of an answer', () => {
  for (const [name, half] of Object.entries({
    'with a length': 'Content-Length: 10000000000\r\n\r\nhalf',
    'in chunks': 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  }))
    test(`${name}, and then the service hangs up politely: the client sees that it is not whole`, async (t) => {
      const url = await startGatewayTo(t, {
        url: await startSocketService(t, (socket) =>
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${half}`)),
        ),
        routes,
      })
      const request = send(`${url}/things`, { agent: false })
      request.end()
      const outcome = once(request, 'response').then(([response]) => answerOf(response as IncomingMessage))
      await assert.rejects(outcome, { code: 'ECONNRESET' })
    })
})
