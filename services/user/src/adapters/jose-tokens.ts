import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { importJWK, SignJWT } from 'jose'
import type { KeyRing } from '../key-ring.ts'
import type { PublicKey, SigningKey, Tokens } from '../ports.ts'

/** Access tokens after RFC 9068, signed with Ed25519 by the key whose turn it is. */
export function joseTokens(options: { ring: KeyRing; clock: Clock; ids: Ids; ttlS: number }): Tokens {
  const { ring, clock, ids, ttlS } = options
  let last: { readonly kid: string; readonly key: ReturnType<typeof importJWK> } | undefined

  const privateKeyOf = ({ kid, privateJwk }: SigningKey) => {
    if (last?.kid !== kid) last = { kid, key: importJWK(privateJwk, 'EdDSA') }
    return last.key
  }

  const sign = async (claims: { sub: string; sid: string; [name: string]: unknown }, lifeS: number) => {
    const nowS = Math.floor(clock.now().getTime() / 1_000)
    const key = ring.signer()
    const accessToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid })
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setJti(ids.next())
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + lifeS)
      .sign(await privateKeyOf(key))
    return { accessToken, expiresIn: lifeS }
  }

  return {
    jwks: () => ({ keys: ring.keys().map(publicKey) }),
    issue: ({ id, roles }, sessionId) => sign({ sub: id, roles, sid: sessionId }, ttlS),
    issueToMachine: ({ keyId, scope, ttlS: lifeS }) => sign({ sub: keyId, client_id: keyId, scope, sid: keyId }, lifeS),
  }
}

/** Named member by member, so that nothing private can slip out. */
function publicKey({ kid, privateJwk: { kty, crv, x } }: SigningKey): PublicKey {
  if (!kty || !crv || !x) throw new Error(`The signing key ${kid} is not a whole key`)
  return { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }
}
