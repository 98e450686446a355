import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signWith,
} from 'node:crypto'
import { jwksVerifier, TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import type { Random } from '../../random.ts'
import { mutate, mutateValue, noise } from '../mutate.ts'
import { refusedBy } from '../refusal.ts'
import type { FuzzTarget } from '../target.ts'

const NOW = new Date('2026-11-21T12:00:00.000Z')
const NOW_S = NOW.getTime() / 1_000

type Fields = Readonly<Record<string, unknown>>

const goodHeader = { alg: 'EdDSA', typ: 'at+jwt', kid: 'one' }
const goodClaims = {
  iss: TOKEN_ISSUER,
  aud: TOKEN_AUDIENCE,
  sub: '01931c2e-7a5f-7b0a-9c1d-0123456789ab',
  roles: ['customer'],
  iat: NOW_S - 10,
  exp: NOW_S + 3_600,
  jti: 'a',
}

/** What forgers write into a header. */
const headers: readonly Fields[] = [
  ...['none', 'None', 'nOnE', 'NONE', '', 'HS256', 'HS512', 'RS256', 'ES256', 'Ed25519', 'eddsa', 'EdDSA '].map(
    (alg) => ({ alg }),
  ),
  ...['two', '../../dev/null', "' OR 1=1 --", 'https://evil.example/key', '', '__proto__', 'one\u0000'].map((kid) => ({
    kid,
  })),
  ...['JWT', 'at+JWT', 'application/at+jwt', 'id+jwt', ''].map((typ) => ({ typ })),
  { crit: ['exp'] },
  { crit: ['b64'], b64: false },
  { crit: [] },
  { jku: 'https://evil.example/jwks.json' },
  { x5u: 'https://evil.example/cert' },
  { jwk: { kty: 'oct', k: 'AAAA' } },
  { zip: 'DEF' },
]
const claims: readonly Fields[] = [
  { exp: NOW_S - 1 },
  { exp: NOW_S },
  { exp: '9999999999' },
  { exp: null },
  { exp: 1e308 },
  { exp: -1 },
  { nbf: NOW_S + 60 },
  { nbf: 'x' },
  { iat: 'x' },
  { iat: undefined },
  { iss: 'micromart.evil.example' },
  { iss: [TOKEN_ISSUER] },
  { aud: 'another' },
  { aud: [] },
  { aud: ['another', TOKEN_AUDIENCE] },
  { aud: { 0: TOKEN_AUDIENCE } },
  { sub: undefined },
  { sub: 1 },
  { sub: '' },
  { sub: null },
  { roles: 'admin' },
  { roles: { includes: 'admin' } },
  { roles: ['admin'] },
  { client_id: 'till-1', scope: 'orders:read' },
  { client_id: 1, scope: ['orders:write'] },
  { sid: {} },
]
const words = ['.', '..', 'eyJ', 'eyJhbGciOiJub25lIn0', '=', '==', '-', '_', '+', '/', 'none', '\n', '%2e']

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')
const withKey = (key: KeyObject, text: string) => signWith(null, Buffer.from(text), key).toString('base64url')

/** The verifier of gateway and services, on keys of our own: who is let in must hold what we have signed, and it must be in order. */
export const tokenTarget: FuzzTarget = {
  name: 'token',
  what: 'access tokens: JWS in every state of decay; a fault is a crash, or a token accepted that was not signed, or not for us, or not now',
  async open() {
    const [one, two, stranger] = [keyPair('one'), keyPair('two'), keyPair('stranger')]
    const keys = Object.entries({ one, two }).map(([kid, { publicKey }]) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: 'EdDSA',
      use: 'sig',
    }))
    const jwksUrls = [`data:application/json,${encodeURIComponent(JSON.stringify({ keys }))}`]
    const verify = jwksVerifier({ jwksUrls, clock: { now: () => NOW } })
    const forge = forger({ one, two, stranger })
    await verify(forge.genuine) // the keys are fetched before the watch starts
    return {
      input: forge.input,
      run: async (token) => {
        try {
          await verify(token)
        } catch (error) {
          return refusedBy(error, ['auth.invalid-token'])
        }
        const complaint = complaintAbout(token, forge.signed())
        if (complaint !== undefined) throw new Error(`accepted although ${complaint}`)
        return 'accepted'
      },
    }
  },
}

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Always the same for a name, so that the same seed fires the same tokens. */
function keyPair(name: string): Pair {
  const secret = createHash('sha256').update(`a key of the fuzzer: ${name}`).digest()
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

interface Signed {
  readonly kid: string
  /** Header and payload, as they were signed. */
  readonly text: string
}

function forger({ one, two, stranger }: Readonly<Record<'one' | 'two' | 'stranger', Pair>>) {
  const signed: Signed[] = []
  const genuinely = (header: unknown, payload: unknown, kid: 'one' | 'two' = 'one') => {
    const text = `${encoded(header)}.${encoded(payload)}`
    signed.push({ kid, text })
    return `${text}.${withKey((kid === 'one' ? one : two).privateKey, text)}`
  }
  const genuine = genuinely(goodHeader, goodClaims)
  const good = [genuine, genuinely({ ...goodHeader, kid: 'two' }, { ...goodClaims, aud: [TOKEN_AUDIENCE] }, 'two')]
  const kept = signed.length
  const publicForms = [
    one.publicKey.export({ type: 'spki', format: 'pem' }),
    JSON.stringify(one.publicKey.export({ format: 'jwk' })),
    '',
  ]

  const changed = (random: Random) => {
    const header = random.chance(0.6) ? { ...goodHeader, ...random.pick(headers) } : goodHeader
    const payload = random.chance(0.6) ? { ...goodClaims, ...random.pick(claims) } : goodClaims
    return random.chance(0.3)
      ? { header: mutateValue(random, header), payload: mutateValue(random, payload, [NOW_S, TOKEN_ISSUER]) }
      : { header, payload }
  }
  const resigned = (random: Random) => {
    const { header, payload } = changed(random)
    const text = `${encoded(header)}.${encoded(payload)}`
    const [, , old = ''] = random.pick(good).split('.')
    const hmac = () => createHmac('sha256', random.pick(publicForms)).update(text).digest('base64url')
    return random.pick<() => string>([
      () => genuinely(header, payload),
      () => genuinely(header, payload, 'two'),
      () => `${text}.${withKey(stranger.privateKey, text)}`,
      () => `${text}.${hmac()}`,
      () => `${text}.${old}`,
      () => `${text}.`,
      () => text,
      () => `${text}.${old}.${old}.${old}`,
      () => JSON.stringify({ payload: encoded(payload), protected: encoded(header), signature: old }),
    ])()
  }
  return {
    genuine,
    /** What was signed with a published key: the good ones, and whatever the last input holds. */
    signed: () => signed,
    input: (random: Random) => {
      signed.length = kept
      const kind = random.next()
      if (kind < 0.05) return random.pick(good)
      if (kind < 0.4) return mutate(random, random.pick(good), words)
      if (kind < 0.85) return resigned(random)
      return kind < 0.95 ? mutate(random, resigned(random), words) : noise(random)
    },
  }
}

/** Judged by other means than the verifier's: what is wrong with a token that was let in; undefined if it is in order. */
function complaintAbout(token: string, signed: readonly Signed[]): string | undefined {
  const parts = token.split('.')
  const text = parts.slice(0, 2).join('.')
  const source = signed.find((one) => one.text === text)
  if (parts.length !== 3 || source === undefined) return 'nobody has signed it'
  const [header, payload] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const faults = {
    'the key is another': header.kid !== source.kid,
    'the algorithm is another': header.alg !== 'EdDSA',
    'it is no access token': !/^(?:application\/)?at\+jwt$/i.test(header.typ),
    'it demands what nobody understands': header.crit !== undefined,
    'it is from somebody else': payload.iss !== TOKEN_ISSUER,
    'it is for somebody else': ![payload.aud].flat().includes(TOKEN_AUDIENCE),
    'it is over': !(typeof payload.exp === 'number' && payload.exp > NOW_S),
    'it has not begun': payload.nbf !== undefined && !(payload.nbf <= NOW_S),
    'it says no time': typeof payload.iat !== 'number',
    'it is about nobody': typeof payload.sub !== 'string' || payload.sub === '',
  }
  return Object.entries(faults).find(([, isFault]) => isFault)?.[0]
}
