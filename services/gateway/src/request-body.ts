import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { ProblemError } from '@micromart/http-kit/problem'

/** A body on its way through, which can be sent again from its beginning as long as all of it is still here. */
export interface RequestBody {
  /** All of it, if it was declared as so long and has come; it is then sent in one piece. */
  whole(): Buffer | undefined
  /** Calls once when all of a small body is here, or when it is too large to wait for; or, unless it is waited for `however slow`, too slow. */
  whenReady(done: () => void, patience?: 'however slow'): void
  /** From the beginning, as it comes. */
  open(): Readable
  /** Nothing of it was passed on yet, or all of it was kept. */
  canRewind(): boolean
  /** Everything has come. */
  hasEnded(): boolean
  /** Nobody wants it any more; what still comes is dropped. */
  release(): void
}

export const tooLarge = () =>
  new ProblemError(413, { code: 'request.too-large', detail: 'The body is larger than this accepts' })

/** What is no larger and comes within this time is waited for, so that a service never waits for a slow client. */
const SMALL_BYTES = 64 * 1024
const PATIENCE_MS = 100
/** A body that is larger is not kept, and so is never sent twice. */
const MOST_KEPT_BYTES = 8 * 1024 * 1024
/** So much may wait for the service before the client has to wait too. */
const MOST_UNREAD_BYTES = 64 * 1024

export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

export interface BodyOptions {
  /** In bytes; more is refused. */
  readonly limit: number
  /** Whether it may have to be sent again. */
  readonly keep: boolean
  /** The body is over the limit. */
  readonly onTooLarge: () => void
}

/** Reads a body as fast as it is taken. */
export function requestBody(request: IncomingMessage, { limit, keep, onTooLarge }: BodyOptions): RequestBody {
  const declared = request.headers['content-length']
  const chunks: Buffer[] = []
  let kept = keep
  let size = 0
  let passedOn = false
  let ended = false
  let reader: Readable | undefined
  let ready: (() => void) | undefined

  const isReady = () => ended || size > SMALL_BYTES
  const tellReady = () => {
    const tell = ready
    ready = undefined // it may ask again
    tell?.()
  }

  const take = (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) {
      request.off('data', take).pause()
      return onTooLarge()
    }
    if (size > MOST_KEPT_BYTES) forget()
    if (kept || !reader) chunks.push(chunk)
    if (isEnough(chunk)) request.pause()
    if (isReady()) tellReady()
  }

  const isEnough = (chunk: Buffer) => {
    if (!reader) return size > MOST_UNREAD_BYTES
    passedOn = true
    return !reader.push(chunk)
  }

  const forget = () => {
    if (kept && reader) chunks.length = 0
    kept = false
  }

  request.on('data', take).once('end', () => {
    ended = true
    reader?.push(null)
    tellReady()
  })

  const open = () => {
    const opened = new Readable({
      objectMode: true, // a length that undici could take for the declared one
      highWaterMark: 4,
      read: () => {
        if (opened === reader) request.resume()
      },
    })
    reader?.destroy()
    reader = opened
    for (const chunk of chunks) opened.push(chunk)
    passedOn ||= chunks.length > 0
    if (!kept) chunks.length = 0
    if (ended) opened.push(null)
    return opened
  }

  return {
    whole: () => (ended && declared !== undefined && (kept || !passedOn) ? Buffer.concat(chunks) : undefined),
    whenReady: (done, patience) => {
      if (isReady()) return done()
      ready = done
      if (patience === 'however slow') return
      if (Number(declared ?? 0) > SMALL_BYTES) return tellReady()
      const timer = setTimeout(tellReady, PATIENCE_MS)
      ready = () => {
        clearTimeout(timer)
        done()
      }
    },
    open,
    canRewind: () => kept || !passedOn,
    hasEnded: () => ended,
    release: () => {
      ready = undefined
      chunks.length = 0
      request.off('data', take).resume()
    },
  }
}
