import type { Transform } from 'node:stream'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import type { Answer, Source } from '../answer.ts'
import { acceptedEncoding, addVary, type Encoding, isPackable, packedHeaders } from './choose-packing.ts'

/** Three quarters of what could be saved for a tenth of the time: answers are packed anew each time. */
const BROTLI_QUALITY = 4
const GZIP_LEVEL = 5

export interface PackingAsked {
  readonly method: string
  readonly acceptEncoding: string | undefined
  /** Asked for with a token, the key of a cart, or a cookie. */
  readonly isPersonal: boolean
}

/**
 * An answer that is packed on its way to `taker` where the client takes that and it pays. As slow as the slower end: the packer takes no
 * more from the service than the client reads.
 */
export function packedAnswer(taker: Answer, asked: PackingAsked): Answer {
  let packer: Transform | undefined

  const begin = (status: number, headers: string[], source: Source) => {
    if (!isPackable({ ...asked, status, headers })) return taker.begin(status, headers, source)
    addVary(headers, 'Accept-Encoding')
    const encoding = acceptedEncoding(asked.acceptEncoding)
    if (encoding === undefined) return taker.begin(status, headers, source)
    const stream = packerOf(encoding, lengthOf(headers))
    packer = stream
    taker.begin(status, packedHeaders(headers, encoding), { resume: () => stream.resume() })
    stream
      .on('data', (chunk: Buffer) => taker.write(chunk) || stream.pause())
      .on('drain', () => source.resume())
      .once('end', () => taker.end())
      .once('error', () => taker.breakOff())
  }

  return {
    begin,
    write: (chunk) => (packer ? packer.write(chunk) : taker.write(chunk)),
    end: (chunk) => {
      if (!packer) return taker.end(chunk)
      if (chunk) packer.end(chunk)
      else packer.end()
    },
    breakOff: () => {
      packer?.removeAllListeners().destroy()
      taker.breakOff()
    },
    refuse: (problem) => taker.refuse(problem),
  }
}

/** @param length in bytes; undefined for a stream, of which each piece goes out as it comes */
function packerOf(encoding: Encoding, length: number | undefined): Transform {
  if (encoding === 'gzip')
    return createGzip({ level: GZIP_LEVEL, ...(length === undefined ? { flush: constants.Z_SYNC_FLUSH } : {}) })
  const hint = length === undefined ? {} : { [constants.BROTLI_PARAM_SIZE_HINT]: length }
  return createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, ...hint },
    ...(length === undefined ? { flush: constants.BROTLI_OPERATION_FLUSH } : {}),
  })
}

function lengthOf(headers: readonly string[]): number | undefined {
  const at = headers.indexOf('content-length')
  return at < 0 ? undefined : Number(headers[at + 1])
}
