import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { ProblemError } from '@micromart/http-kit/problem'
import { until } from '@micromart/testkit/until'
import type { Answer, Source } from '../answer.ts'
import { packedAnswer } from './packed-answer.ts'

/** A client that takes `most` bytes and then waits until it is told to read on. */
function taker(most = Number.POSITIVE_INFINITY) {
  const got = {
    head: [] as (number | string)[],
    chunks: [] as Buffer[],
    outcome: '',
    source: undefined as Source | undefined,
  }
  const size = () => got.chunks.reduce((sum, { length }) => sum + length, 0)
  const limit = { most }
  const answer: Answer = {
    begin: (status, headers, source) => {
      got.head = [status, ...headers]
      got.source = source
    },
    write: (chunk) => {
      got.chunks.push(chunk)
      return size() < limit.most
    },
    end: (chunk) => {
      if (chunk) got.chunks.push(chunk)
      got.outcome = 'whole'
    },
    breakOff: () => {
      got.outcome = 'broken off'
    },
    refuse: ({ refusal }) => {
      got.outcome = refusal.code
    },
  }
  const readOn = () => {
    limit.most = Number.POSITIVE_INFINITY
    got.source?.resume()
  }
  return { got, answer, size, readOn, body: () => Buffer.concat(got.chunks) }
}

const JSON_HEADERS = ['content-type', 'application/json']
const asked = (acceptEncoding: string) => ({ method: 'GET', acceptEncoding, isPersonal: false })
const idle: Source = { resume: () => {} }
const text = JSON.stringify(Array.from({ length: 2_000 }, (_, id) => ({ id, title: `Product ${id}`, price: id * 7 })))

const over = (got: { outcome: string }) => until(async () => got.outcome !== '', { what: 'the end of the answer' })

describe('an answer that is packed', () => {
  const encodings = [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const
  for (const [encoding, unpack] of encodings)
    test(`${encoding}: comes out as it was, in a fraction of the bytes`, async () => {
      const { got, answer, body } = taker()
      const packed = packedAnswer(answer, asked(encoding))
      packed.begin(200, [...JSON_HEADERS, 'content-length', String(text.length), 'etag', '"1"'], idle)
      for (let at = 0; at < text.length; at += 10_000) packed.write(Buffer.from(text.slice(at, at + 10_000)))
      packed.end()
      await over(got)
      assert.equal(got.outcome, 'whole')
      const vary = ['etag', 'W/"1"', 'vary', 'Accept-Encoding', 'content-encoding', encoding]
      assert.deepEqual(got.head, [200, ...JSON_HEADERS, ...vary])
      assert.equal(unpack(body()).toString(), text)
      assert.ok(body().length < text.length / 4, `${body().length} of ${text.length}`)
    })

  test('a stream of unknown length is not held back until it ends', async () => {
    for (const encoding of ['br', 'gzip']) {
      const { got, answer, size } = taker()
      const packed = packedAnswer(answer, asked(encoding))
      packed.begin(200, [...JSON_HEADERS], idle)
      packed.write(Buffer.from('{"first":1}'))
      await until(async () => size() > 0, { what: 'the first piece' })
      packed.end(Buffer.from('more'))
      await over(got)
    }
  })

  test('a client that does not read holds the service back; reading on lets it go on', async () => {
    const { got, answer, body, readOn } = taker(1)
    let resumed = 0
    const packed = packedAnswer(answer, asked('gzip'))
    packed.begin(200, [...JSON_HEADERS], {
      resume: () => {
        resumed += 1
      },
    })
    let sent = ''
    await until(
      async () => {
        const piece = Array.from({ length: 2_000 }, () => Math.random()).join()
        sent += piece
        return !packed.write(Buffer.from(piece)) && got.chunks.length > 0
      },
      { what: 'the packer is full' },
    )
    const held = got.chunks.length
    assert.ok(resumed <= 1_000 && held < 50, `${held} pieces for a client that took one`)
    readOn()
    await until(async () => resumed > 0, { what: 'the service goes on' })
    packed.end()
    await over(got)
    assert.equal(gunzipSync(body()).toString(), sent)
  })

  test('an answer that breaks off is broken off, and never looks whole', async () => {
    const { got, answer } = taker()
    const packed = packedAnswer(answer, asked('br'))
    packed.begin(200, [...JSON_HEADERS], idle)
    packed.write(Buffer.from(text))
    packed.breakOff()
    assert.equal(got.outcome, 'broken off')
  })
})

describe('an answer that is left as it is', () => {
  test('for a client that takes no packing it still varies', () => {
    const { got, answer, body } = taker()
    const plain = packedAnswer(answer, asked('identity'))
    plain.begin(200, [...JSON_HEADERS], idle)
    plain.write(Buffer.from('a'))
    plain.end(Buffer.from('b'))
    assert.deepEqual(
      [got.head, body().toString(), got.outcome],
      [[200, ...JSON_HEADERS, 'vary', 'Accept-Encoding'], 'ab', 'whole'],
    )
  })

  test('what may not be packed is not touched', () => {
    const { got, answer } = taker()
    const plain = packedAnswer(answer, asked('br'))
    plain.begin(200, [...JSON_HEADERS, 'cache-control', 'no-store'], idle)
    plain.end(Buffer.from(text))
    assert.deepEqual([got.head, got.outcome], [[200, ...JSON_HEADERS, 'cache-control', 'no-store'], 'whole'])
  })

  test('a refusal goes its way', () => {
    const { got, answer } = taker()
    packedAnswer(answer, asked('br')).refuse(new ProblemError(503, { code: 'service.unavailable', detail: 'away' }))
    assert.equal(got.outcome, 'service.unavailable')
  })
})
