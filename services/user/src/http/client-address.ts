import type { FastifyRequest } from 'fastify'

/** What the nearest proxy says (the last entry): the earlier ones are the client's own word. */
export function clientAddress(request: FastifyRequest): string | undefined {
  const forwarded = request.headers['x-forwarded-for']
  const text = Array.isArray(forwarded) ? forwarded.at(-1) : forwarded
  return text?.split(',').at(-1)?.trim().slice(0, 64) || undefined
}
