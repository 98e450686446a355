import type { Refusal } from '../case.ts'

interface ProtocolCase {
  readonly what: string
  readonly bytes: string
  readonly refusals: readonly Refusal[]
}

const post = (body: string, ...headers: readonly string[]) =>
  ['POST /api/v1/carts HTTP/1.1', 'Host: shop.test', 'Content-Type: application/json', ...headers, '', body].join(
    '\r\n',
  )

const malformed = (what: string, bytes: string): ProtocolCase => ({ what, bytes, refusals: ['400 request.malformed'] })

/** What is not a request as HTTP knows it, or can be read as two different ones. Were it taken, there would be one cart more. */
export const protocolCases: readonly ProtocolCase[] = [
  malformed('no HTTP', 'HELO shop.test\r\n\r\n'),
  malformed('another version', 'POST /api/v1/carts HTTP/9.9\r\nHost: shop.test\r\n\r\n'),
  malformed('no host', 'POST /api/v1/carts HTTP/1.1\r\nContent-Length: 0\r\n\r\n'),
  malformed('an address with a blank', 'POST /api/v1/carts x HTTP/1.1\r\nHost: shop.test\r\n\r\n'),
  malformed('a length and chunks', post('0\r\n\r\n', 'Content-Length: 4', 'Transfer-Encoding: chunked')),
  malformed('two lengths', post('{}', 'Content-Length: 2', 'Content-Length: 3')),
  malformed('a negative length', post('{}', 'Content-Length: -1')),
  malformed('a length that is no number', post('{}', 'Content-Length: 0x2')),
  malformed('a chunk without a size', post('zz\r\n{}\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')),
  malformed('an unknown transfer coding', post('{}', 'Transfer-Encoding: chunked, gzip')),
  malformed('a blank before the colon', post('{}', 'Content-Length : 2')),
  malformed('a control character in a header', post('{}', 'Content-Length: 2', 'X: a\u0001b')),
  {
    what: 'an expectation',
    bytes: post('{}', 'Content-Length: 2', 'Expect: everything'),
    refusals: ['417 request.unknown-expectation'],
  },
  malformed('line feeds alone', post('{}', 'Content-Length: 2').replaceAll('\r\n', '\n')),
]
