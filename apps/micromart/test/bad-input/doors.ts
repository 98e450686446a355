import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { openAccount } from '@micromart/proof/newcomer'
import type { Shopper } from '@micromart/proof/shopper'
import { totpCode, totpStepAt } from '@micromart/user/totp'
import { email } from './nasty.ts'

/** A person's account and one way into it, each person for one thing that can be done. */
export interface Doors {
  readonly password: string
  /** With a second factor: a sign-in that owes it, and recovery codes that are good once. */
  readonly signingIn: { readonly challenge: string; readonly code: string }
  readonly renewing: { readonly token: string; readonly code: string }
  readonly removing: { readonly token: string; readonly code: string }
  readonly enrolling: { readonly token: string }
  readonly confirming: { readonly token: string; code(): string }
  /** On their way with a provider, in different places of it. */
  readonly away: { readonly cookie: string; readonly path: string }
  readonly back: { readonly cookie: string }
  readonly linking: { readonly token: string; readonly cookie: string }
  readonly linked: { readonly token: string; readonly id: string }
  readonly adding: { readonly token: string }
  /** What must not be logged. */
  readonly secrets: readonly string[]
}

/** As much of GitHub as signing in needs: the code is who it is. */
export async function startGithub(): Promise<{ providers: string; close(): Promise<void> }> {
  const server = createServer()
  server.on('request', async (request, response) => {
    const number = Number(request.headers.authorization?.split(' ').at(-1))
    const code = new URLSearchParams(await text(request)).get('code')
    const pages: Readonly<Record<string, object>> = {
      '/login/oauth/access_token': { access_token: code, token_type: 'bearer' },
      '/user': { id: number, login: `octocat-${number}`, name: null },
      '/user/emails': [{ email: email(`octocat-${number}`), primary: true, verified: true }],
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(pages[request.url ?? ''] ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const github = { name: 'github', kind: 'github', issuer: url, apiUrl: url, privateNetwork: true }
  return {
    providers: JSON.stringify([{ ...github, clientId: 'micromart', clientSecret: 'a secret' }]),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const FACTOR = '/api/v1/users/me/second-factor'
const IDENTITIES = '/api/v1/users/me/identities'
const password = 'a password of my own'

/** Opens accounts in every state that the routes of sign-in know. */
export async function openDoors(shop: string, shopper: Shopper): Promise<Doors> {
  const send = async (
    method: string,
    path: string,
    options: { body?: object; token?: string; cookie?: string } = {},
  ) => {
    const { body, token, cookie } = options
    const response = await fetch(`${shop}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(cookie ? { cookie } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const answer = await response.text()
    assert.ok(response.status < 400, `${method} ${path}: ${response.status} ${answer}`)
    const isJson = response.headers.get('content-type')?.includes('json')
    return { headers: response.headers, body: isJson ? JSON.parse(answer) : undefined }
  }
  const register = async () => {
    const person = { email: email(), password }
    const { accessToken } = await openAccount(shopper.call, { ...person, name: 'Ada' })
    return { ...person, token: accessToken }
  }
  const enrolled = async () => {
    const { token, ...credentials } = await register()
    const { secret } = (await send('POST', `${FACTOR}/totp`, { body: { password }, token })).body
    return { token, credentials, secret: secret as string, code: () => codeOf(secret) }
  }
  const protectedOne = async () => {
    const { token, credentials, secret, code } = await enrolled()
    const { body } = await send('POST', `${FACTOR}/totp/confirm`, { body: { code: code() }, token })
    return { token, credentials, secret, recoveryCodes: body.recoveryCodes as readonly string[] }
  }
  let people = 0
  /** The cookie of somebody whom the provider is about to send back, and where to. */
  const away = async (headers: Headers, url: string) => {
    people += 1
    const state = new URL(url).searchParams.get('state') ?? ''
    const cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    return { cookie, path: `/api/v1/auth/oidc/github/callback?code=${people}&state=${state}` }
  }
  const start = async () => {
    const { headers } = await send('GET', '/api/v1/auth/oidc/github')
    return away(headers, headers.get('location') ?? '')
  }
  const back = async ({ cookie, path }: { cookie: string; path: string }) => {
    await send('GET', path, { cookie })
    return { cookie }
  }
  const linking = async () => {
    const { token } = await register()
    const { headers, body } = await send('POST', IDENTITIES, { body: { provider: 'github', password }, token })
    return { token, ...(await back(await away(headers, body.authorizationUrl))) }
  }
  const linked = async () => {
    const { token, cookie } = await linking()
    await send('POST', `${IDENTITIES}/complete`, { token, cookie })
    const { body } = await send('GET', IDENTITIES, { token })
    return { token, id: body.items[0].id as string }
  }

  const [ada, bob, eve, confirming] = [
    await protectedOne(),
    await protectedOne(),
    await protectedOne(),
    await enrolled(),
  ]
  const { challenge } = (await send('POST', '/api/v1/auth/login', { body: ada.credentials })).body
  const codes = [ada, bob, eve].map(({ recoveryCodes: [code = ''] }) => code)
  const trips = { away: await start(), back: await back(await start()), linking: await linking() }
  return {
    password,
    signingIn: { challenge, code: codes[0] ?? '' },
    renewing: { token: bob.token, code: codes[1] ?? '' },
    removing: { token: eve.token, code: codes[2] ?? '' },
    enrolling: await register(),
    confirming,
    ...trips,
    linked: await linked(),
    adding: await register(),
    secrets: [
      ...[password, challenge, ...codes],
      ...[ada, bob, eve, confirming].map(({ secret }) => secret),
      ...[trips.away, trips.back, trips.linking].map(({ cookie }) => cookie.split('=')[1] ?? cookie),
    ],
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function codeOf(secret: string): string {
  const bits = Array.from(secret, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
  return totpCode(Buffer.from(bytes), totpStepAt(new Date()))
}
