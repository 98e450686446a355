import { actorOf } from '@micromart/http-kit/identity'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { RingKey } from '../domain/key-ring.ts'
import type { KeyRing } from '../key-ring.ts'
import type { Tokens } from '../ports.ts'
import { JwksBody, SigningKeyList } from './user-schemas.ts'

export interface SigningKeyRoutes {
  readonly ring: KeyRing
  readonly tokens: Tokens
  readonly clock: Clock
}

/** The keys of access tokens: the public halves for everybody, their times for whoever may rotate them. The private halves leave by no route. */
export function signingKeyRoutes(http: HttpServer, { ring, tokens, clock }: SigningKeyRoutes): void {
  for (const url of ['/api/v1/auth/jwks', '/.well-known/jwks.json'])
    http.get(url, {
      config: { access: 'public' },
      schema: { tags: ['auth'], summary: 'The public keys of access tokens (RFC 7517)', response: { 200: JwksBody } },
      handler: async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=300')
        return { keys: [...tokens.jwks().keys] }
      },
    })

  const list = () => {
    const now = clock.now()
    const { kid } = ring.signer()
    return { items: ring.keys().map((key) => bodyOf(key, { signer: kid, now })) }
  }

  http.get('/api/v1/signing-keys', {
    config: { access: 'signing-keys:write' },
    schema: { tags: ['auth'], summary: 'The keys that sign access tokens', response: { 200: SigningKeyList } },
    handler: async () => list(),
  })

  http.post('/api/v1/signing-keys/rotate', {
    config: { access: 'signing-keys:write' },
    schema: {
      tags: ['auth'],
      summary:
        'Let the next key sign, as soon as everybody has had the time to learn it; asking again changes nothing until then',
      body: NoBody,
      response: { 200: SigningKeyList },
    },
    handler: async (request) => {
      await ring.rotate(actorOf(request.caller))
      return list()
    },
  })
}

function bodyOf({ kid, createdAt, signsFrom }: RingKey, { signer, now }: { signer: string; now: Date }) {
  const isToCome = signsFrom === null || signsFrom > now
  const state = kid === signer ? ('signing' as const) : isToCome ? ('waiting' as const) : ('retired' as const)
  return { kid, state, createdAt: createdAt.toISOString(), signsFrom: signsFrom?.toISOString() ?? null }
}
