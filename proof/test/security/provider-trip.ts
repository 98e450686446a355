import assert from 'node:assert/strict'
import type { Target } from './abuse-case.ts'
import type { Scene } from './scene.ts'
import { type Answered, send } from './send.ts'

/** A browser that the shop has sent to a provider. */
export interface Trip {
  readonly cookie: string
  readonly state: string
  readonly nonce: string
}

export type ProviderName = keyof Scene['issuers']

const PATH = '/api/v1/auth/oidc'

export async function beginTrip({ url }: Scene, provider: ProviderName = 'scripted'): Promise<Trip> {
  const away = await fetch(`${url}${PATH}/${provider}`, { redirect: 'manual' })
  assert.equal(away.status, 303)
  const asked = new URL(away.headers.get('location') ?? '').searchParams
  const [cookie = ''] = (away.headers.getSetCookie()[0] ?? '').split(';')
  return { cookie, state: asked.get('state') ?? '', nonce: asked.get('nonce') ?? '' }
}

/** The browser brings back what a provider has said, and asks to be signed in. */
export async function comeBack(
  target: Target,
  cookie: string,
  { provider = 'scripted', ...answer }: { provider?: ProviderName; code?: string; state?: string; iss?: string },
): Promise<Answered> {
  const headers = cookie === '' ? {} : { cookie }
  const returned = await send(target, { path: `${PATH}/${provider}/callback?${new URLSearchParams(answer)}`, headers })
  const finished = await send(target, { method: 'POST', path: '/api/v1/auth/login/provider', headers })
  return returned.status === 303 ? finished : returned
}

/** Comes back with this ID token, and everything else as it should be. */
export async function signInWith(
  target: Target,
  { issuers: { scripted } }: Scene,
  { trip, idToken }: { trip: Trip; idToken: string | Promise<string> },
) {
  return comeBack(target, trip.cookie, {
    ...{ code: scripted.codeFor(await idToken), state: trip.state, iss: scripted.issuer },
  })
}
