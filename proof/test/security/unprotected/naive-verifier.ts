import { createHmac, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Scene } from '../scene.ts'
import { asPerson, openDoor } from './door.ts'

type Fields = Readonly<Record<string, never>>

/**
 * Checks tokens as libraries and their users did before each of it had a CVE: the header says by what and with which key, and the claims
 * are not looked at. Whoever is in the token then speaks to the shop, in the name of the person with that id.
 */
export const openNaiveVerifier = (scene: Scene) =>
  openDoor(scene.url, async (asked) => {
    const token = (asked.headers['authorization'] ?? '').replace(/^Bearer /i, '')
    const [head = '', payload = '', signature = ''] = token.split('.')
    const [header, claims] = [decoded(head), decoded(payload)]
    const isGood = await isSigned(header, { text: `${head}.${payload}`, signature, scene })
    const person = Object.values(scene.people).find(({ id }) => id === claims?.['sub'])
    if (!isGood || !person) return { status: 401, body: { code: 'auth.invalid-token' } }
    return asPerson(asked, person.token)
  })

interface Sealed {
  readonly text: string
  readonly signature: string
  readonly scene: Scene
}

async function isSigned(header: Fields, sealed: Sealed): Promise<boolean> {
  const algorithm = String(header['alg']).toLowerCase()
  if (algorithm === 'none') return true
  const key = await keyFor(header, sealed.scene)
  if (algorithm.startsWith('hs')) {
    const secret = typeof key === 'string' ? key : key.export({ type: 'spki', format: 'pem' })
    return createHmac('sha256', secret).update(sealed.text).digest('base64url') === sealed.signature
  }
  if (typeof key === 'string') return false
  return verify(null, Buffer.from(sealed.text), key, Buffer.from(sealed.signature, 'base64url'))
}

/** From the header, from where the header says, from the file or the row that `kid` names. */
async function keyFor(header: Fields, { database, publicJwk }: Scene): Promise<KeyObject | string> {
  const { jwk, jku, kid } = header
  if (jwk) return createPublicKey({ key: jwk, format: 'jwk' })
  if (jku)
    return createPublicKey({ key: ((await (await fetch(jku)).json()) as { keys: [never] }).keys[0], format: 'jwk' })
  if (kid === undefined || kid === publicJwk.kid) return createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
  if (String(kid).startsWith('/') || String(kid).startsWith('..'))
    return readFileSync(String(kid).replace(/^(\.\.\/)+/, '/'), 'utf8')
  const rows = await database('user').query<{ key: string }>(`SELECT kid AS key FROM signing_keys WHERE kid = '${kid}'`)
  return rows[0]?.key ?? ''
}

const decoded = (part: string) => {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    return undefined
  }
}
