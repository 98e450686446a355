import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import type { Database } from '@micromart/postgres/database'
import { importJWK, type JWK, SignJWT } from 'jose'
import { CANARY } from './nasty.ts'

/** Authorization headers that open nothing, by what is wrong with them. */
export type BadTokens = Readonly<Record<string, string>>

/** Some are signed with the shop's own key, so that nothing but what they say can be what is refused. */
export async function badTokens(genuine: string, userDatabase: Database): Promise<BadTokens> {
  const [key] = await userDatabase.query<{ kid: string; jwk: JWK }>('SELECT kid, private_jwk AS jwk FROM signing_keys')
  if (!key) throw new Error('There is no signing key')
  const privateKey = await importJWK(key.jwk, 'EdDSA')
  const [header = '', payload = '', signature = ''] = genuine.split('.')
  const claims = decoded(payload)
  const signed = (change: object) =>
    new SignJWT({ ...claims, iss: TOKEN_ISSUER, aud: TOKEN_AUDIENCE, ...change })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid })
      .sign(privateKey)
  const tokens = {
    garbage: `${CANARY}.${CANARY}.${CANARY}`,
    'one word': CANARY,
    'without a signature': `${encoded({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    'with another role': `${header}.${encoded({ ...claims, roles: ['admin'] })}.${signature}`,
    expired: await signed({ exp: 1 }),
    'of another issuer': await signed({ iss: CANARY }),
    'for another audience': await signed({ aud: CANARY }),
    'very long': CANARY.repeat(500),
  }
  const headers = {
    'no token': 'Bearer ',
    'a password': `Basic ${Buffer.from(`admin:${CANARY}`).toString('base64')}`,
    'two tokens': `Bearer ${CANARY} ${CANARY}`,
    'no text': 'Bearer \u00e9',
  }
  return { ...Object.fromEntries(Object.entries(tokens).map(([what, token]) => [what, `Bearer ${token}`])), ...headers }
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decoded = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString())
