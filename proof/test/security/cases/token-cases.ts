import { createHmac, createPublicKey, generateKeyPairSync, sign as signWith } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, type Scene } from '../scene.ts'
import { blow, send } from '../send.ts'
import { openNaiveVerifier } from '../unprotected/naive-verifier.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowS = () => Math.floor(Date.now() / 1_000)

/** The claims of the admin, whom nobody here may become. */
const claimsOf = ({ people }: Scene) => {
  const payload = people.admin.token.split('.')[1] ?? ''
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}

/** Won when the shop takes the one who shows it for the admin. */
async function shown(target: Target, scene: Scene, tokens: Readonly<Record<string, string>>): Promise<readonly Blow[]> {
  const blows = Object.entries(tokens).map(async ([what, token]) => {
    const answer = await send(target, { path: '/api/v1/users/me', headers: bearer(token) })
    return blow(what, answer, answer.status === 200 && answer.body?.id === scene.people.admin.id)
  })
  return Promise.all(blows)
}

const tokens = (
  name: string,
  control: string,
  forge: (scene: Scene) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>,
): Attack => ({
  area: 'Tokens',
  name,
  control,
  refusals: ['401 auth.invalid-token'],
  attack: async (target, scene) => shown(target, scene, await forge(scene)),
  openUnprotected: openNaiveVerifier,
})

const hmac = (secret: string | Buffer, header: object, claims: object) => {
  const text = `${encode({ alg: 'HS256', typ: 'at+jwt', ...header })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const ownPair = generateKeyPairSync('ed25519')
const signedByAttacker = (header: object, claims: object) => {
  const text = `${encode({ alg: 'EdDSA', typ: 'at+jwt', ...header })}.${encode(claims)}`
  return `${text}.${signWith(null, Buffer.from(text), ownPair.privateKey).toString('base64url')}`
}
const ownJwk = ownPair.publicKey.export({ format: 'jwk' })

export const tokenCases: readonly Attack[] = [
  tokens('`alg: none` in all spellings', 'a verifier that does what the header says', (scene) => {
    const signature = scene.people.admin.token.split('.')[2]
    const spellings = ['none', 'None', 'NONE', 'nOnE'].map((alg) => [
      alg,
      `${encode({ alg, typ: 'at+jwt', kid: scene.publicJwk.kid })}.${encode(claimsOf(scene))}.`,
    ])
    const dressed = `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claimsOf(scene))}.${signature}`
    return Object.fromEntries([...spellings, ['none, with a signature', dressed]])
  }),
  tokens('HS256 signed with the public key', 'a verifier that uses one key for every algorithm', (scene) => {
    const pem = createPublicKey({ key: { ...scene.publicJwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    return { 'the PEM as the secret': hmac(pem, { kid: scene.publicJwk.kid }, claimsOf(scene)) }
  }),
  tokens('an empty key', 'a verifier that takes an unknown `kid` for an empty secret', (scene) => ({
    'HMAC with nothing': hmac('', { kid: 'no-such-key' }, claimsOf(scene)),
  })),
  tokens('`kid` as a path', 'a verifier that reads the file that `kid` names', (scene) => ({
    absolute: hmac('', { kid: '/dev/null' }, claimsOf(scene)),
    upwards: hmac('', { kid: '../../../../dev/null' }, claimsOf(scene)),
  })),
  tokens('`kid` as SQL', 'a verifier that puts `kid` into its SQL', (scene) => ({
    'UNION SELECT': hmac('known', { kid: "x' UNION SELECT 'known' -- " }, claimsOf(scene)),
  })),
  {
    ...tokens(
      'a key from the header: `jku`, `jwk`',
      'a verifier that trusts the key that comes with the token',
      () => ({}),
    ),
    attack: async (target, scene) => {
      const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [ownJwk] })))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const jku = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
      let fetched = false
      server.on('request', () => {
        fetched = true
      })
      const forged = { jku, kid: 'mine' }
      const blows = await shown(target, scene, {
        jku: signedByAttacker(forged, claimsOf(scene)),
        jwk: signedByAttacker({ jwk: ownJwk }, claimsOf(scene)),
      })
      server.close()
      return [...blows, { what: 'the address is visited', won: fetched, answer: '401 auth.invalid-token' }]
    },
  },
  tokens('an unknown `crit`', 'a verifier that ignores `crit`', (scene) => ({
    'an extension of its own': scene.sign({
      header: { crit: ['https://evil.example/x'], 'https://evil.example/x': 1 },
      claims: claimsOf(scene),
    }),
  })),
  tokens('wrong `aud`, `iss`, `typ`', 'a verifier that looks at the signature alone', (scene) => ({
    audience: scene.sign({ claims: { ...claimsOf(scene), aud: 'another-api' } }),
    'no audience': scene.sign({ claims: { ...claimsOf(scene), aud: undefined } }),
    issuer: scene.sign({ claims: { ...claimsOf(scene), iss: 'https://evil.example' } }),
    'an id token': scene.sign({ header: { typ: 'JWT' }, claims: claimsOf(scene) }),
    'no type': scene.sign({ header: { typ: undefined }, claims: claimsOf(scene) }),
  })),
  tokens('expired, not yet begun, without end', 'a verifier that does not look at the time', (scene) => ({
    'expired a second ago': scene.sign({ claims: { ...claimsOf(scene), exp: nowS() - 1 } }),
    'expired as a text': scene.sign({ claims: { ...claimsOf(scene), exp: `${nowS() + 600}` } }),
    'begins in a minute': scene.sign({ claims: { ...claimsOf(scene), nbf: nowS() + 60 } }),
    'never ends': scene.sign({ claims: { ...claimsOf(scene), exp: undefined } }),
  })),
]
