import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { addVary, type Encoding, isPackable, packedHeaders } from '../compression/choose-packing.ts'
import { ONE_PIECE_BYTES } from '../exchange.ts'
import { isIndependent } from '../prepared-head.ts'
import type { Keepable, WholeAnswer } from './keepable.ts'

/** One form of an answer, ready to be sent. */
export interface Form {
  /** With everything but what changes from second to second. */
  readonly headers: readonly string[]
  readonly etag: string
  readonly body: Buffer
  /** The body once more, as it is written with its head in one piece; undefined for a large one. */
  readonly text: string | undefined
  /** All headers as they are in that second. */
  head: readonly string[]
  headSecond: number
  /** The same as text, by what every answer says; only where nothing else can change it. */
  readonly rests: Map<readonly string[], string> | undefined
}

/** An answer that is kept. */
export interface KeptAnswer {
  readonly key: string
  readonly tags: readonly string[]
  readonly vary: readonly string[]
  readonly keptAtMs: number
  readonly maxAgeS: number
  readonly plain: Form
  br: Form | undefined
  gzip: Form | undefined
}

const OVERHEAD_BYTES = 1_024

export function keptAnswer(
  { body, headers }: WholeAnswer,
  { keepable, key, tags, atMs }: { keepable: Keepable; key: string; tags: readonly string[]; atMs: number },
): KeptAnswer {
  const own = [...keepable.headers]
  if (isPackable({ method: 'GET', isPersonal: false, status: 200, headers })) addVary(own, 'Accept-Encoding')
  const { maxAgeS, vary, etag } = keepable
  return { key, tags, vary, keptAtMs: atMs, maxAgeS, plain: form(own, etag, body), br: undefined, gzip: undefined }
}

const form = (headers: readonly string[], etag: string, body: Buffer): Form => ({
  headers: [...headers, 'etag', etag, 'content-length', String(body.length)],
  etag,
  body,
  text: body.length <= ONE_PIECE_BYTES ? body.toString('latin1') : undefined,
  head: [],
  headSecond: Number.NaN,
  rests: isIndependent(headers) ? new Map() : undefined,
})

export const bytesOf = ({ key, plain, br, gzip }: KeptAnswer): number =>
  OVERHEAD_BYTES + key.length + sizeOf(plain) + sizeOf(br) + sizeOf(gzip)

const sizeOf = (one: Form | undefined) => (one ? one.body.length + (one.text?.length ?? 0) : 0)

const packBrotli = promisify(brotliCompress)
const packGzip = promisify(gzip)

/** Packed once for all who take it so, off the main thread; better than one would for a single client. */
export async function pack(kept: KeptAnswer, { headers, body }: WholeAnswer): Promise<boolean> {
  if (
    !isPackable({
      method: 'GET',
      isPersonal: false,
      status: 200,
      headers: [...headers, 'content-length', String(body.length)],
    })
  )
    return false
  const [br, gz] = await Promise.all([
    packBrotli(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
    packGzip(body, { level: 6 }),
  ])
  kept.br = packedForm(kept.plain, 'br', br)
  kept.gzip = packedForm(kept.plain, 'gzip', gz)
  return true
}

/** Other bytes, so the tag is no longer strong (RFC 9110, section 8.8.3.3). */
function packedForm(plain: Form, encoding: Encoding, body: Buffer): Form {
  const headers = packedHeaders(plain.headers, encoding)
  const at = headers.indexOf('etag')
  const [, etag = ''] = headers.splice(at, 2)
  return form(headers, etag, body)
}
