import type { Scene } from '../scene.ts'
import { openDoor } from './door.ts'

/** A shop that believes whatever comes back from any provider: no state, no browser, no signature, and people by their address. */
export function openNaiveRelyingParty(scene: Scene) {
  let email: unknown
  return openDoor(scene.url, async ({ method, path }) => {
    const { pathname, searchParams } = new URL(path, scene.url)
    if (pathname.endsWith('/callback')) {
      const answer = await fetch(`${scene.issuers.scripted.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ code: searchParams.get('code') ?? '' }),
      })
      const { id_token: idToken = '' } = (await answer.json()) as { id_token?: string }
      email = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString() || '{}').email
      return { status: 303, body: '' }
    }
    if (method === 'GET') return { status: 303, body: '' }
    return { status: email === undefined ? 401 : 200, body: { user: { email } } }
  })
}
