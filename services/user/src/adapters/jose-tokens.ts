import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { importJWK, SignJWT } from 'jose'
import type { PublicKey, Tokens } from '../ports.ts'
import type { SigningKey } from './postgres-signing-keys.ts'

/** Access tokens after RFC 9068, signed with Ed25519 by the first of the keys. */
export async function joseTokens(options: {
  keys: readonly SigningKey[]
  clock: Clock
  ids: Ids
  ttlS: number
}): Promise<Tokens> {
  const { keys, clock, ids, ttlS } = options
  const [newest] = keys
  if (!newest) throw new Error('There is no key to sign access tokens with')
  const privateKey = await importJWK(newest.privateJwk, 'EdDSA')
  return {
    jwks: { keys: keys.map(publicKey) },
    issue: async ({ id, roles }, sessionId) => {
      const nowS = Math.floor(clock.now().getTime() / 1_000)
      const accessToken = await new SignJWT({ roles, sid: sessionId })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: newest.kid })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject(id)
        .setJti(ids.next())
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + ttlS)
        .sign(privateKey)
      return { accessToken, expiresIn: ttlS }
    },
  }
}

/** Named member by member, so that nothing private can slip out. */
function publicKey({ kid, privateJwk: { kty, crv, x } }: SigningKey): PublicKey {
  if (!kty || !crv || !x) throw new Error(`The signing key ${kid} is not a whole key`)
  return { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }
}
