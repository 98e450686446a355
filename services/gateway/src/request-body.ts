import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { ProblemError } from '@micromart/http-kit/problem'

/** A body on its way through, which can be sent again from its beginning as long as all of it is still here. */
export interface RequestBody {
  /** From the beginning. */
  open(): Readable
  /** Nothing of it was read yet, or all of it was kept. */
  canRewind(): boolean
}

export const tooLarge = () =>
  new ProblemError(413, { code: 'request.too-large', detail: 'The body is larger than this accepts' })

/** Reads a body as fast as it is taken, and no more than `limit` bytes; `keep` holds what has passed in memory. */
export function requestBody(request: IncomingMessage, { limit, keep }: { limit: number; keep: boolean }): RequestBody {
  const source = request.iterator({ destroyOnReturn: false })
  const chunks: (Buffer | undefined)[] = []
  let size = 0
  let ended = false
  let pulling: Promise<void> | undefined

  const pull = async () => {
    const { done, value } = await source.next()
    pulling = undefined
    if (done) ended = true
    else chunks.push(value)
    size += done ? 0 : value.length
    if (size > limit) throw tooLarge()
  }

  async function* read(): AsyncGenerator<Buffer> {
    for (let index = 0; ; index += 1) {
      while (index >= chunks.length && !ended) {
        pulling ??= pull() // one that was given up may still be waiting for the same chunk
        await pulling
      }
      const chunk = chunks[index]
      if (chunk === undefined) return
      if (!keep) chunks[index] = undefined
      yield chunk
    }
  }

  return {
    open: () => Readable.from(read()),
    canRewind: () => keep || chunks.length === 0,
  }
}
