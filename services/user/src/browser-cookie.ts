import type { FastifyReply, FastifyRequest } from 'fastify'

/** The cookie that ties a trip to a provider to the browser that began it. */
export interface BrowserCookie {
  set(reply: FastifyReply, secret: string, maxAgeS: number): void
  clear(reply: FastifyReply): void
  read(request: FastifyRequest): string | undefined
}

/** Blanks and tabs may follow it (RFC 9110, section 5.6.3). */
const SECRET = /^([\w-]{43})[ \t]*$/

/**
 * Over https `__Host-`: set by this host itself, for no other, and never sent in plain text (RFC 6265bis, section 4.1.3.2). A shop that is developed
 * without https cannot have that, and has the cookie without the prefix. `Lax`, for a provider sends the browser back with a GET from another site.
 */
export function browserCookie(publicUrl: string): BrowserCookie {
  const isSecure = publicUrl.startsWith('https://')
  const name = isSecure ? '__Host-micromart-provider' : 'micromart-provider'
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    set: (reply, secret, maxAgeS) =>
      void reply.header('set-cookie', `${name}=${secret}; ${attributes}; Max-Age=${maxAgeS}`),
    clear: (reply) => void reply.header('set-cookie', `${name}=; ${attributes}; Max-Age=0`),
    read: ({ headers }) => {
      // to a browser any other kind of space is part of a name, which then has not the prefix that only this host can set
      const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.replace(/^[ \t]+/, ''))
      const values = pairs.flatMap((pair) => (pair.startsWith(`${name}=`) ? [pair.slice(name.length + 1)] : []))
      const [value = ''] = values
      // two of one name: somebody else has put one of them there
      return values.length === 1 ? SECRET.exec(value)?.[1] : undefined
    },
  }
}
