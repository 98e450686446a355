import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AnswerReader } from './answer-reader.ts'

interface Read {
  readonly heads: readonly (readonly [status: number, headers: readonly string[]])[]
  readonly body: string
  /** How each answer ended: with a connection that may be used again or not. */
  readonly ends: readonly boolean[]
}

/** Reads the pieces one after the other. @throws what the reader throws */
function read(pieces: readonly string[], { method = 'GET', isClosed = false } = {}): Read {
  const heads: [number, string[]][] = []
  const ends: boolean[] = []
  let body = ''
  const reader = new AnswerReader({
    onHead: (status, headers) => void heads.push([status, headers]),
    onChunk: (chunk) => {
      body += chunk.toString('latin1')
    },
    onWhole: (isReusable) => void ends.push(isReusable),
  })
  reader.expect(method)
  for (const piece of pieces) reader.take(Buffer.from(piece, 'latin1'))
  if (isClosed) reader.end()
  return { heads, body, ends }
}

const lines = (...all: readonly string[]) => all.join('\r\n')

describe('an answer', () => {
  test('with a length ends where it says', () => {
    const { heads, body, ends } = read([
      lines('HTTP/1.1 200 OK', 'Content-Type:  text/plain ', 'content-length:5', '', 'hello'),
    ])
    assert.deepEqual(heads, [[200, ['content-type', 'text/plain', 'content-length', '5']]])
    assert.equal(body, 'hello')
    assert.deepEqual(ends, [true])
  })

  test('in chunks ends with the last one, and its trailers are dropped', () => {
    const { body, ends, heads } = read([
      lines(
        'HTTP/1.1 200 OK',
        'Transfer-Encoding: Chunked',
        '',
        '5',
        'hello',
        'A;name=value',
        ' wide worl',
        '0',
        'Digest: x',
        '',
        '',
      ),
    ])
    assert.equal(body, 'hello wide worl')
    assert.equal(heads.length, 1)
    assert.deepEqual(ends, [true])
  })

  test('without either ends with its connection', () => {
    const head = lines('HTTP/1.1 200 OK', '', 'all of it')
    assert.deepEqual(read([head]).ends, [])
    assert.deepEqual(read([head], { isClosed: true }), { heads: [[200, []]], body: 'all of it', ends: [false] })
  })

  test('to HEAD, and 204 and 304, have no body whatever they say', () => {
    const says = (status: number) => lines(`HTTP/1.1 ${status} x`, 'Content-Length: 10', '', '')
    for (const [status, method] of [
      [200, 'HEAD'],
      [204, 'GET'],
      [304, 'GET'],
    ] as const)
      assert.deepEqual(read([says(status)], { method }).ends, [true])
  })

  test('after others that only say that it will come', () => {
    const { heads } = read([lines('HTTP/1.1 103 Early Hints', 'Link: x', '', 'HTTP/1.1 204 No Content', '', '')])
    assert.deepEqual(heads, [[204, []]])
  })

  test('whose connection closes is told', () => {
    const { ends } = read([lines('HTTP/1.1 200 OK', 'Connection: x, Close', 'Content-Length: 0', '', '')])
    assert.deepEqual(ends, [false])
    assert.deepEqual(read([lines('HTTP/1.0 200 OK', 'Content-Length: 0', '', '')]).ends, [false])
    assert.deepEqual(read([lines('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 0', '', '')]).ends, [
      true,
    ])
  })

  test('keeps every header that comes twice, and one of two equal lengths is enough', () => {
    const { heads, ends } = read([
      lines('HTTP/1.1 200 OK', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Length: 0', 'Content-Length: 0', '', ''),
    ])
    assert.deepEqual(heads[0]?.[1].slice(0, 4), ['set-cookie', 'a=1', 'set-cookie', 'b=2'])
    assert.deepEqual(ends, [true])
  })
})

const OK = 'HTTP/1.1 200 OK'

/** What no service of ours sends, and what two readers could take for different answers. */
const garbage: Readonly<Record<string, string>> = {
  'not HTTP': lines('SSH-2.0-OpenSSH', '', ''),
  'another version': lines('HTTP/2.0 200 OK', '', ''),
  'no status': lines('HTTP/1.1 OK', '', ''),
  'a status of four digits': lines('HTTP/1.1 2000 OK', '', ''),
  'a protocol of its own': lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', 'Connection: upgrade', '', ''),
  'a length that is no number': lines(OK, 'Content-Length: ten', '', ''),
  'a negative length': lines(OK, 'Content-Length: -1', '', ''),
  'a signed length': lines(OK, 'Content-Length: +1', '', '1'),
  'two lengths': lines(OK, 'Content-Length: 1', 'Content-Length: 2', '', '12'),
  'a list of lengths': lines(OK, 'Content-Length: 1, 1', '', '1'),
  'a length beside chunks': lines(OK, 'Content-Length: 1', 'Transfer-Encoding: chunked', '', '0', '', ''),
  'a coding that nobody knows': lines(OK, 'Transfer-Encoding: chunked, gzip', '', ''),
  'chunks twice': lines(OK, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0', '', ''),
  'chunks of old': lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', '', '0', '', ''),
  'a folded line': lines(OK, 'A: b', ' c', 'Content-Length: 0', '', ''),
  'a space before the colon': lines(OK, 'Content-Length : 0', '', ''),
  'a header without a colon': lines(OK, 'Content-Length', '', ''),
  'a header without a name': lines(OK, ': x', '', ''),
  'a lone LF in a head': `${OK}\r\nA: b\nContent-Length: 0\r\n\r\n`,
  'a lone CR in a head': `${OK}\r\nA: b\rContent-Length: 0\r\n\r\n`,
  'a NUL': `${OK}\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n`,
  'a chunk without a size': lines(OK, 'Transfer-Encoding: chunked', '', 'x', ''),
  'a chunk of a signed size': lines(OK, 'Transfer-Encoding: chunked', '', '-1', ''),
  'a chunk that is longer than it says': lines(OK, 'Transfer-Encoding: chunked', '', '1', 'ab', ''),
  'a size line that ends with LF alone': `${lines(OK, 'Transfer-Encoding: chunked', '', '1')}\n`,
  'a size line without an end': lines(OK, 'Transfer-Encoding: chunked', '', `1;${'x'.repeat(2_000)}`),
  'a head without an end': lines(OK, `A: ${'x'.repeat(20_000)}`),
  'more than was asked for': lines(OK, 'Content-Length: 1', '', '12'),
  'a second answer': lines(OK, 'Content-Length: 0', '', OK, 'Content-Length: 0', '', ''),
}

describe('what is refused', () => {
  for (const [what, text] of Object.entries(garbage))
    test(what, () => {
      assert.throws(() => read([text]), { code: 'EBADANSWER' })
      assert.throws(() => read([...text]), { code: 'EBADANSWER' })
    })
})

const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((all) => Buffer.from(all).toString('latin1'))

/** An answer as its parts, and as a service could write it. */
const answers = fc
  .record({
    status: fc.constantFrom(200, 201, 404, 500),
    headers: fc.array(
      fc.tuple(fc.stringMatching(/^x-[a-z0-9-]{1,12}$/), fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)),
      { maxLength: 5 },
    ),
    chunks: fc.array(bytes, { maxLength: 4 }),
    isChunked: fc.boolean(),
  })
  .map(({ status, headers, chunks, isChunked }) => {
    const body = chunks.join('')
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
    const sent = isChunked
      ? [...chunks.map((chunk) => lines(chunk.length.toString(16), chunk)), lines('0', '', '')].join('\r\n')
      : body
    const text = lines(
      `HTTP/1.1 ${status} Some words`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      framing,
      '',
      sent,
    )
    return { status, headers, body, text }
  })

test('however an answer is cut into pieces, it is the same answer', () => {
  fc.assert(
    fc.property(answers, fc.array(fc.nat(400), { maxLength: 8 }), ({ status, headers, body, text }, cuts) => {
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((to, index) => text.slice(places[index], to))
      const result = read(pieces)
      assert.equal(result.heads[0]?.[0], status)
      assert.deepEqual(result.heads[0]?.[1].slice(0, -2), headers.flat())
      assert.equal(result.body, body)
      assert.deepEqual(result.ends, [true])
    }),
  )
})

/** What node:http makes of the same bytes, its connection closed behind them. */
async function readByNode(text: string): Promise<{ status: number; body: string } | 'refused'> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(text, 'latin1')))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const asked = request({ port: (server.address() as AddressInfo).port, agent: false })
  try {
    const outcome = new Promise<{ status: number; body: string } | 'refused'>((resolve) => {
      asked
        .on('error', () => resolve('refused'))
        .on('upgrade', (_response, socket) => {
          socket.destroy()
          resolve('refused')
        })
      asked.on('response', (response) => {
        let body = ''
        response.setEncoding('latin1').on('data', (part: string) => {
          body += part
        })
        response
          .on('error', () => resolve('refused'))
          .on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
    })
    asked.end()
    return await outcome
  } finally {
    asked.destroy()
    server.close()
  }
}

test('a spoilt answer that both this reader and node:http take is the same answer to both', async () => {
  const spoil = fc.record({
    at: fc.nat(120),
    with: fc.constantFrom('', '\r', '\n', ' ', ':', '0', '-', ',', '\0', '\x80', 'chunked'),
  })
  await fc.assert(
    fc.asyncProperty(answers, spoil, async ({ text }, { at, with: what }) => {
      const spoilt = text.slice(0, at) + what + text.slice(at + 1)
      let own: Read
      try {
        own = read([spoilt], { isClosed: true })
      } catch {
        return // stricter is fine
      }
      if (own.ends.length === 0) return // not whole
      const theirs = await readByNode(spoilt)
      if (theirs !== 'refused') assert.deepEqual({ status: own.heads[0]?.[0], body: own.body }, theirs)
    }),
    { numRuns: 300 },
  )
})
