import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { acceptedEncoding, type Encoding } from './choose-packing.ts'

export interface Whole {
  readonly body: Buffer
  readonly encoding: Encoding | undefined
}

/** Better than on the way, for it is done once. */
const BROTLI_QUALITY = 9
const packers: Readonly<Record<Encoding, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (body) => promisify(gzip)(body),
}

/** A body that stays the same, as each client takes it; packed once in each way that somebody takes. */
export function packedWhole(body: Buffer): (acceptEncoding: string | undefined) => Promise<Whole> {
  const packed = new Map<Encoding, Promise<Buffer>>()
  return async (acceptEncoding) => {
    const encoding = acceptedEncoding(acceptEncoding)
    if (encoding === undefined) return { body, encoding }
    const ready = packed.get(encoding) ?? packers[encoding](body)
    packed.set(encoding, ready)
    return { body: await ready, encoding }
  }
}
