import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { ask, startGateway, startService } from './gateway-harness.ts'

const path = '/api/v1/orders/0/events'

/** A gateway before an order service whose streams are in the test's hands. */
async function start(t: TestContext) {
  const streams: ServerResponse[] = []
  const service = await startService(t, (request, response) => {
    if (request.url !== path) return void response.end('{}')
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n')
    streams.push(response)
  })
  const door = await startGateway(t, { order: service.url })
  const open = async (headers: Record<string, string> = {}) => {
    const request = send(door.url + path, { headers: { 'accept-encoding': 'gzip, br', ...headers }, agent: false })
    request.on('error', () => {}).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const heard = { text: '', ended: false }
    response
      .setEncoding('utf8')
      .on('data', (part: string) => {
        heard.text += part
      })
      .on('end', () => {
        heard.ended = true
      })
      .on('error', () => {})
    return { request, response, heard }
  }
  return { door, service, streams, open }
}

describe('a stream of events', { timeout: 30_000 }, () => {
  test('comes piece by piece, as it is, and carries Last-Event-ID', async (t) => {
    const { streams, open, service } = await start(t)
    const { response, heard } = await open({ 'last-event-id': '7' })
    assert.deepEqual(
      [response.headers['content-type'], response.headers['content-encoding']],
      ['text/event-stream', undefined],
    )
    for (const id of ['8', '9']) {
      streams[0]?.write(`id: ${id}\n\n`)
      await until(async () => heard.text.endsWith(`id: ${id}\n\n`), { what: `piece ${id}` })
    }
    assert.equal(service.seen[0]?.headers['last-event-id'], '7')
    assert.equal(service.seen[0]?.headers['x-deadline-ms'], undefined)
    streams[0]?.end()
    await until(async () => heard.ended, { what: 'the end' })
  })

  test('ends at the service as soon as its client is gone', async (t) => {
    const { streams, open } = await start(t)
    const { request } = await open()
    request.destroy()
    await until(async () => streams[0]?.destroyed, { what: 'the service sees it' })
  })

  test('does not take the places of requests', async (t) => {
    const { door, streams, open } = await start(t)
    await Promise.all(Array.from({ length: 300 }, () => open()))
    assert.equal(streams.length, 300)
    assert.equal((await ask(door.url, { path: '/api/v1/orders/0' })).status, 200)
  })

  test('is ended, not cut off, when the gateway is told to end', async (t) => {
    const { door, streams, open } = await start(t)
    const { heard } = await open()
    await door.drain()
    await until(async () => heard.ended, { what: 'a proper end' })
    await until(async () => streams[0]?.destroyed, { what: 'the service sees it' })
    await door.close()
  })
})
