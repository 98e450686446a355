import { createHash } from 'node:crypto'
import { browserCookie } from '@micromart/user/browser-cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Random } from '../../random.ts'
import { mutate, noise } from '../mutate.ts'
import type { FuzzTarget } from '../target.ts'

const secretOf = (name: string) => createHash('sha256').update(`a cookie of the fuzzer: ${name}`).digest('base64url')
const [ONE, TWO] = [secretOf('one'), secretOf('two')]
const shops = { '__Host-micromart-provider': 'https://shop.example', 'micromart-provider': 'http://127.0.0.1:3000' }
type Name = keyof typeof shops
const names = Object.keys(shops) as readonly Name[]

const good = names.flatMap((name) => [
  `${name}=${ONE}`,
  `theme=dark; ${name}=${TWO}; lang=en`,
  `${name}=${ONE}; ${name}=${TWO}`,
  `${name}-2=${TWO};${name}=${ONE}`,
  `${name}="${ONE}"`,
])
const words = [
  ...['; ', ';', '=', ',', ' ', '\t', '\u00a0', '\u0085', '"', '%3D', '%5F%5FHost-', '$Version=1; ', '$Path=/'],
  ...['__host-micromart-provider=', '__Secure-', ...names, ...names.map((name) => `; ${name}=${TWO}`)],
]

/** As bytes of a header can come: whatever else is in it ends the connection before anybody reads a cookie. */
const asHeader = (text: string) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')

/** The cookie that ties a trip to a provider to its browser, read by other means than the service does (RFC 6265, section 4.2.1). */
function secretIn(name: Name, header: string): string | undefined {
  const all = [...header.matchAll(new RegExp(`(?:^|;)[ \\t]*${name}=([^;]*)`, 'g'))]
  const value = all[0]?.[1]?.replace(/[ \t]+$/, '')
  return all.length === 1 && /^[A-Za-z0-9_-]{43}$/.test(value ?? '') ? value : undefined
}

export const cookieTarget: FuzzTarget = {
  name: 'cookie',
  what: 'Cookie headers; a fault is a crash, a secret of another cookie or of one that is there twice, or what was set and cannot be read',
  open: () => {
    const cookies = new Map(names.map((name) => [name, browserCookie(shops[name])]))
    for (const [name, cookie] of cookies) {
      let line = ''
      const reply = { header: (_name: string, value: string) => (line = value) } as unknown as FastifyReply
      cookie.set(reply, ONE, 600)
      const brought = line.split(';')[0] ?? ''
      if (read(name, brought) !== ONE) throw new Error(`set ${line} and cannot read it`)
    }
    function read(name: Name, cookie: string) {
      return cookies.get(name)?.read({ headers: { cookie } } as FastifyRequest)
    }
    return {
      input: (random) => asHeader(header(random)),
      run: (input) => {
        const found = names.map((name) => {
          const secret = read(name, input)
          if (secret !== secretIn(name, input)) throw new Error(`took ${secret} for ${name}`)
          return secret
        })
        return found.some((secret) => secret !== undefined) ? 'accepted' : 'refused'
      },
    }
  },
}

function header(random: Random): string {
  const kind = random.next()
  if (kind < 0.1) return random.pick(good)
  if (kind < 0.95) return mutate(random, random.pick(good), words)
  return noise(random)
}
