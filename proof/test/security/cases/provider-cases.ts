import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mailedToken } from '../../../src/newcomer.ts'
import type { Attack, Blow } from '../abuse-case.ts'
import { beginTrip, comeBack, signInWith } from '../provider-trip.ts'
import { NEW_PASSWORD, type Scene } from '../scene.ts'
import { blow, send } from '../send.ts'
import { openNaiveRelyingParty } from '../unprotected/naive-relying-party.ts'

const ROUND = '400 user.provider-round-unknown'
const ANSWER = '400 user.provider-answer-invalid'

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Somebody whom nobody knows yet. */
const stranger = () => {
  const sub = randomUUID()
  return { sub, email: `${sub}@example.com` }
}

const attack = (parts: Omit<Attack, 'area' | 'openUnprotected'>): Attack => ({
  area: 'Accounts',
  openUnprotected: openNaiveRelyingParty,
  ...parts,
})

/** An ID token in every state of decay; each but for one thing as it should be. */
function forgeries({ issuers }: Scene): Readonly<Record<string, (nonce: string) => Promise<string>>> {
  const { scripted, other } = issuers
  const claims = stranger()
  const { privateKey: strangersKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const made = (changes: object) => (nonce: string) => scripted.idToken(nonce, { claims, ...changes })
  const unsigned = (header: object, signature: string) => async (nonce: string) =>
    `${encode(header)}.${(await scripted.idToken(nonce, { claims })).split('.')[1]}.${signature}`
  const nowS = Math.floor(Date.now() / 1_000)
  return {
    'unsigned, alg none': unsigned({ alg: 'none' }, ''),
    'alg NONE with rubbish': unsigned({ alg: 'NONE', kid: 'scripted' }, 'AAAA'),
    'HS256 with the public key': made({
      ...{ header: { alg: 'HS256' }, key: Buffer.from(scripted.publicJwk.n ?? '', 'base64url') },
    }),
    'signed by a stranger': made({ key: strangersKey }),
    'another nonce': () => scripted.idToken('x'.repeat(43), { claims }),
    'no nonce': made({ claims: { ...claims, nonce: undefined } }),
    'another audience': made({ claims: { ...claims, aud: 'another-shop' } }),
    'another issuer': made({ claims: { ...claims, iss: other.issuer } }),
    'of yesterday': made({ claims: { ...claims, iat: nowS - 90_000, exp: nowS - 86_400 } }),
    'of the other provider': (nonce) => other.idToken(nonce, { claims }),
  }
}

export const providerCases: readonly Attack[] = [
  attack({
    name: 'an answer of a provider that this browser has not asked for (login CSRF): state missing, made up, of another browser',
    control: 'a shop that does not ask who was sent away',
    refusals: [ROUND, ANSWER],
    attack: async (target, scene) => {
      const { scripted } = scene.issuers
      const [mallory, victim] = [await beginTrip(scene), await beginTrip(scene)]
      const code = async (nonce: string) => scripted.codeFor(await scripted.idToken(nonce, { claims: stranger() }))
      const iss = scripted.issuer
      const back = async (what: string, cookie: string, state: object) =>
        blow(what, await comeBack(target, cookie, { code: await code(mallory.nonce), iss, ...state }))
      return [
        await back('no cookie', '', { state: mallory.state }),
        await back('another browser', victim.cookie, { state: mallory.state }),
        await back('no state', (await beginTrip(scene)).cookie, {}),
        await back('made up', (await beginTrip(scene)).cookie, { state: 'x'.repeat(43) }),
      ]
    },
  }),
  attack({
    name: 'ID tokens: `alg: none`, HS256 with the public key, strangers’ keys, wrong nonce, audience, issuer, time',
    control: 'a shop that reads what the token says',
    refusals: [ANSWER],
    attack: async (target, scene) => {
      const blows: Blow[] = []
      for (const [what, forge] of Object.entries(forgeries(scene))) {
        const trip = await beginTrip(scene)
        blows.push(blow(what, await signInWith(target, scene, { trip, idToken: forge(trip.nonce) })))
      }
      return blows
    },
  }),
  attack({
    name: 'an answer of a provider, twice',
    control: 'a shop that takes a code as often as it comes',
    refusals: [ROUND],
    attack: async (target, scene) => {
      const { scripted } = scene.issuers
      const trip = await beginTrip(scene)
      const answer = {
        ...{ code: scripted.codeFor(await scripted.idToken(trip.nonce, { claims: stranger() })), state: trip.state },
        iss: scripted.issuer,
      }
      const first = await comeBack(scene, trip.cookie, answer)
      if (first.status !== 200) throw new Error(`its owner was answered ${first.said}`)
      return [blow('again', await comeBack(target, trip.cookie, answer))]
    },
  }),
  attack({
    name: 'a trip that was begun with one provider and is finished by another (mix-up)',
    control: 'a shop that takes whoever comes back for the one it asked',
    refusals: [ROUND, ANSWER],
    attack: async (target, scene) => {
      const { scripted, other } = scene.issuers
      const answerFor = async ({ nonce, state }: { nonce: string; state: string }) => ({
        ...{ code: scripted.codeFor(await scripted.idToken(nonce, { claims: stranger() })), state },
      })
      const [named, unnamed, elsewhere] = [await beginTrip(scene), await beginTrip(scene), await beginTrip(scene)]
      return [
        blow(
          'another issuer',
          await comeBack(target, named.cookie, { ...(await answerFor(named)), iss: other.issuer }),
        ),
        blow('no issuer', await comeBack(target, unnamed.cookie, await answerFor(unnamed))),
        blow(
          'another address',
          await comeBack(target, elsewhere.cookie, {
            ...{ ...(await answerFor(elsewhere)), provider: 'other', iss: other.issuer },
          }),
        ),
      ]
    },
  }),
  attack({
    name: 'taking an account over by its address at a provider that has not verified it',
    control: 'a shop that knows people by the address that a provider tells',
    refusals: ['403 user.provider-email-unverified'],
    attack: async (target, scene) => {
      const { email } = scene.people.victim
      const blows: Blow[] = []
      for (const verified of [false, undefined, 'true', 1]) {
        const trip = await beginTrip(scene)
        const claims = { sub: randomUUID(), email, email_verified: verified }
        const idToken = scene.issuers.scripted.idToken(trip.nonce, { claims })
        blows.push(blow(`email_verified ${verified}`, await signInWith(target, scene, { trip, idToken })))
      }
      return blows
    },
  }),
  attack({
    name: 'an account that was opened under an address before its owner came with a provider (pre-hijacking)',
    control: 'a shop that knows people by the address that a provider tells',
    refusals: ['409 user.identity-needs-link'],
    attack: async (target, scene) => {
      const claims = stranger()
      const body = { email: claims.email, password: NEW_PASSWORD, name: 'Mallory' }
      await scene.call({ method: 'POST', path: '/api/v1/auth/register', body })
      // the account is opened behind the answer, and its address asked for
      await mailedToken(scene.call, { to: claims.email, template: 'verify-email' })
      const trip = await beginTrip(scene)
      const idToken = scene.issuers.scripted.idToken(trip.nonce, { claims })
      return [blow('the owner comes', await signInWith(target, scene, { trip, idToken }))]
    },
  }),
  attack({
    name: 'an address to return to that is somebody else’s (open redirect)',
    control: 'a shop that sends the browser wherever it is told',
    refusals: ['400 request.invalid'],
    attack: async (target) => {
      const blows: Blow[] = []
      for (const place of [
        '//evil.example',
        'https://evil.example',
        '/\\evil.example',
        '/\t/evil.example',
        'x',
        '/@x y',
      ]) {
        const path = `/api/v1/auth/oidc/scripted?returnTo=${encodeURIComponent(place)}`
        const answer = await send(target, { path })
        blows.push(blow(place, answer, answer.status === 303))
      }
      return blows
    },
  }),
]
