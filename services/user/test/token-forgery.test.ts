import assert from 'node:assert/strict'
import { createPublicKey, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { importJWK, type JWK, SignJWT } from 'jose'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'

describe('access tokens', () => {
  let h: ServiceHarness
  let userId: string
  let genuine: string
  before(async () => {
    h = await startServiceForTest(user, { env: signsInAtOnce, ownKeys: true })
    const body = { email: `${randomUUID()}@example.com`, password: 'a good password', name: 'Ada' }
    const registered = await h.call({ method: 'POST', url: '/api/v1/auth/register', body })
    userId = registered.body.user.id
    genuine = registered.body.accessToken
  })
  after(() => h.close())

  const me = (token: string) => h.call({ method: 'GET', url: '/api/v1/users/me', token })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
  const keys = async (path = '/.well-known/jwks.json') =>
    (await h.call({ method: 'GET', url: path })).body.keys as JWK[]
  const ownKey = async () => {
    const [row] = await h.database.query<{ kid: string; jwk: JWK }>('SELECT kid, private_jwk AS jwk FROM signing_keys')
    if (!row) throw new Error('There is no signing key')
    return row
  }
  const nowS = () => Math.floor(h.clock.now().getTime() / 1_000)
  /** Signed with the genuine key, so that only the claims or the header can be what is refused. */
  const signed = async (change: { header?: object; claims?: object }) => {
    const { kid, jwk } = await ownKey()
    const claims = {
      iss: TOKEN_ISSUER,
      aud: TOKEN_AUDIENCE,
      sub: userId,
      roles: ['customer'],
      iat: nowS(),
      exp: nowS() + 60,
      ...change.claims,
    }
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...change.header })
      .sign(await importJWK(jwk, 'EdDSA'))
  }

  test('the published keys verify and nothing of them is private', async () => {
    const published = await keys()
    assert.deepEqual(await keys('/api/v1/auth/jwks'), published)
    assert.equal(published.length, 2) // one signs, one waits
    for (const key of published) assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })

  test('a token says who for whom until when, and no two are the same', async () => {
    const [header, payload] = genuine.split('.')
    assert.deepEqual(decode(header), { alg: 'EdDSA', typ: 'at+jwt', kid: (await ownKey()).kid })
    const { jti, sid, iat, ...claims } = decode(payload)
    assert.deepEqual(claims, {
      iss: TOKEN_ISSUER,
      aud: TOKEN_AUDIENCE,
      sub: userId,
      roles: ['customer'],
      exp: iat + 900,
    })
    for (const id of [jti, sid]) assert.match(id, /^[0-9a-f-]{36}$/)
    assert.equal((await me(genuine)).status, 200)
    assert.equal((await me(await signed({}))).status, 200)
  })

  test('forged tokens open nothing', async () => {
    const [header, payload, signature] = genuine.split('.')
    const [jwk] = await keys()
    const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const asSecret = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      JSON.stringify(jwk),
      Buffer.from(jwk?.x ?? '', 'base64url'),
    ]
    const withPublicKeyAsSecret = asSecret.map((secret) =>
      new SignJWT(decode(payload))
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: jwk?.kid ?? '' })
        .sign(Buffer.from(secret)),
    )
    const forged = [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      `${encode({ alg: 'none', typ: 'at+jwt', kid: jwk?.kid })}.${payload}.${signature}`,
      `${header}.${encode({ ...decode(payload), roles: ['admin'] })}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      'x',
      await h.token({ userId, roles: ['admin'] }), // well-formed, signed with a key of somebody else
      ...(await Promise.all(withPublicKeyAsSecret)),
      await signed({ header: { typ: 'JWT' } }),
      await signed({ header: { kid: 'unknown' } }),
      await signed({ claims: { iss: 'someone-else' } }),
      await signed({ claims: { aud: 'another-api' } }),
      await signed({ claims: { exp: nowS() - 1 } }),
      await signed({ claims: { exp: undefined } }),
      await signed({ claims: { sub: undefined } }),
      await signed({ claims: { sub: randomUUID() } }),
    ]
    for (const token of forged) {
      const answer = await me(token)
      assert.deepEqual([answer.status, answer.body.code], [401, 'auth.invalid-token'], token)
    }
  })

  test('a token ends after its time, also one that was good a moment ago', async () => {
    assert.equal((await me(genuine)).status, 200)
    h.clock.advance(3_601_000)
    assert.equal((await me(genuine)).status, 401)
  })
})
