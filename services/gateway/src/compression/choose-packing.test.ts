import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { acceptedEncoding, addVary, isPackable, packedHeaders } from './choose-packing.ts'

describe('what the client takes', () => {
  const cases: readonly (readonly [said: string | undefined, chosen: 'br' | 'gzip' | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['gzip;q=0', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=1.0', 'gzip'],
    ['GZIP ; Q=1', 'gzip'],
    ['gzip;q=1.5', undefined],
    ['gzip;q=abc', undefined],
    ['deflate, zstd', undefined],
    [`gzip${' '.repeat(300)}`, undefined],
  ]
  for (const [said, chosen] of cases)
    test(`${JSON.stringify(said?.slice(0, 40))}: ${chosen ?? 'as it is'}`, () =>
      assert.equal(acceptedEncoding(said), chosen))

  test('nothing that a client says is an error', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (said) => void acceptedEncoding(said)))
  })
})

describe('which answers are packed', () => {
  const head = (...headers: readonly string[]) => ({
    method: 'GET',
    status: 200,
    isPersonal: false,
    headers: ['content-type', 'application/json; charset=utf-8', 'content-length', '5000', ...headers],
  })

  test('text of some length', () => {
    const types = ['application/json', 'application/problem+json', 'text/html; charset=utf-8', 'text/csv']
    for (const type of [...types, 'application/javascript', 'text/javascript', 'image/svg+xml', 'application/xml'])
      assert.equal(isPackable({ ...head(), headers: ['content-type', type] }), true, type)
  })

  test('not what is small, packed, binary, or a stream of events', () => {
    const headers = (...given: readonly string[]) => isPackable({ ...head(), headers: given })
    assert.equal(headers('content-type', 'application/json', 'content-length', '1023'), false)
    for (const type of ['image/png', 'application/octet-stream', 'application/gzip', 'text/event-stream', 'video/mp4'])
      assert.equal(headers('content-type', type), false, type)
    assert.equal(headers(), false)
    assert.equal(isPackable(head('content-encoding', 'gzip')), false)
  })

  test('not what is personal, nor what is to stay as it is', () => {
    for (const cacheControl of ['no-store', 'private, max-age=60', 'public, no-transform', 'PRIVATE'])
      assert.equal(isPackable(head('cache-control', cacheControl)), false, cacheControl)
    assert.equal(isPackable(head('set-cookie', 'a=1')), false)
    assert.equal(isPackable(head('cache-control', 'public, max-age=60')), true)
    assert.equal(isPackable({ ...head(), isPersonal: true }), false)
    assert.equal(isPackable({ ...head('cache-control', 'public, max-age=60'), isPersonal: true }), true)
  })

  test('not what has no body, nor a part of one', () => {
    assert.equal(isPackable({ ...head(), method: 'HEAD' }), false)
    for (const status of [204, 206, 304, 103]) assert.equal(isPackable({ ...head(), status }), false, `${status}`)
    assert.equal(isPackable(head('content-range', 'bytes 0-1/2')), false)
    assert.equal(isPackable({ ...head(), status: 404 }), true)
  })
})

test('the headers of a packed answer: no length, no ranges, a weak ETag', () => {
  const headers = ['content-length', '5000', 'etag', '"1"', 'accept-ranges', 'bytes', 'x-other', '1']
  assert.deepEqual(packedHeaders(headers, 'br'), ['etag', 'W/"1"', 'x-other', '1', 'content-encoding', 'br'])
  assert.deepEqual(packedHeaders(['etag', 'W/"1"'], 'gzip'), ['etag', 'W/"1"', 'content-encoding', 'gzip'])
})

test('Vary names everything, each once', () => {
  const after = (...headers: string[]) => {
    addVary(headers, 'Accept-Encoding')
    return headers
  }
  assert.deepEqual(after(), ['vary', 'Accept-Encoding'])
  assert.deepEqual(after('vary', 'origin'), ['vary', 'origin', 'vary', 'Accept-Encoding'])
  for (const vary of ['*', 'Origin, accept-encoding']) assert.deepEqual(after('vary', vary), ['vary', vary])
})
