import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { createLogger, silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { CLIENT_ID, type ScriptedIssuer, startScriptedIssuer } from '@micromart/testkit/scripted-issuer'
import { createGuardedFetch } from '../src/adapters/guarded-fetch.ts'
import { oidcProvider, type ProviderParts } from '../src/adapters/oidc-provider.ts'
import type { IdentityProvider } from '../src/identity-providers.ts'
import { openBrowser } from './browser.ts'
import { type LocalIssuer, startLocalIssuer } from './local-issuer.ts'

const redirectUri = 'http://127.0.0.1:3000/api/v1/auth/oidc/local/callback'
const round = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) }
const ada = { subject: 'ada-1', email: 'ada@example.com', emailVerified: true, name: 'Ada' }
const realNow = () => fakeClock(new Date().toISOString())

const configOf = (issuer: string, secret = 'a secret') =>
  ({
    name: 'local',
    label: 'Local',
    kind: 'oidc',
    issuer,
    apiUrl: issuer,
    clientId: CLIENT_ID,
    clientSecret: secret,
    privateNetwork: true,
  }) as const

const codeOf = (result: Awaited<ReturnType<IdentityProvider['identify' | 'authorizationUrl']>>) =>
  result.ok ? 'ok' : result.error.code

describe('a real OpenID provider', () => {
  let local: LocalIssuer
  let provider: IdentityProvider
  before(async () => {
    local = await startLocalIssuer({ redirectUri })
    const config = configOf(local.issuer, local.clientSecret)
    provider = oidcProvider({ config, redirectUri, clock: realNow(), log: silentLogger() })
  })
  after(async () => {
    await provider.close()
    await local.close()
  })

  /** What the browser brings back. */
  const answerTo = async (asked = round, change = (url: URL) => url) => {
    const url = await provider.authorizationUrl(asked)
    assert.ok(url.ok)
    const back = await openBrowser().followTo(change(url.value).href, redirectUri)
    return new URL(back).search.slice(1)
  }

  test('is asked for a code with PKCE, state and nonce, and for the exact address', async () => {
    const url = await provider.authorizationUrl(round)
    assert.ok(url.ok)
    const asked = Object.fromEntries(url.value.searchParams)
    assert.deepEqual(asked, {
      client_id: CLIENT_ID,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email profile',
      state: round.state,
      nonce: round.nonce,
      code_challenge: asked['code_challenge'],
      code_challenge_method: 'S256',
    })
    assert.match(asked['code_challenge'] ?? '', /^[\w-]{43}$/)
    assert.notEqual(asked['code_challenge'], round.codeVerifier)
  })

  test('says who it is, once for each code', async () => {
    local.person = ada
    const query = await answerTo()
    assert.deepEqual(await provider.identify(query, round), {
      ok: true,
      value: { issuer: local.issuer, subject: 'ada-1', verifiedEmail: 'ada@example.com', name: 'Ada' },
    })
    assert.equal(codeOf(await provider.identify(query, round)), 'user.provider-answer-invalid')
  })

  test('an address that it does not vouch for is none', async () => {
    local.person = { subject: 'bob-1', email: 'bob@example.com', emailVerified: false }
    const identity = await provider.identify(await answerTo(), round)
    assert.deepEqual(identity.ok && identity.value, {
      issuer: local.issuer,
      subject: 'bob-1',
      verifiedEmail: undefined,
      name: undefined,
    })
  })

  test('somebody who does not agree is told so', async () => {
    local.person = undefined
    assert.equal(codeOf(await provider.identify(await answerTo(), round)), 'user.provider-denied')
  })

  test('another state, nonce, verifier or issuer than the one of this round is refused', async () => {
    local.person = ada
    const other = 'x'.repeat(43)
    const invalid = 'user.provider-answer-invalid'
    assert.equal(codeOf(await provider.identify(await answerTo(), { ...round, state: other })), invalid)
    assert.equal(codeOf(await provider.identify(await answerTo(), { ...round, nonce: other })), invalid)
    assert.equal(codeOf(await provider.identify(await answerTo(), { ...round, codeVerifier: other })), invalid)
    const changed = async (change: (answer: URLSearchParams) => void) => {
      const answer = new URLSearchParams(await answerTo())
      change(answer)
      return codeOf(await provider.identify(answer.toString(), round))
    }
    assert.equal(await changed((answer) => answer.set('iss', 'https://elsewhere.example')), invalid)
    assert.equal(await changed((answer) => answer.delete('iss')), invalid)
    assert.equal(await changed((answer) => answer.delete('state')), invalid)
    assert.equal(await changed((answer) => answer.append('state', other)), invalid)
    assert.equal(await changed((answer) => answer.delete('code')), invalid)
    assert.equal(await changed((answer) => answer.set('code', 'guessed')), invalid)
    assert.equal(await changed((answer) => answer.set('response', 'a.b.c')), invalid)
    assert.equal(await changed(() => {}), 'ok')
  })
})

describe('a provider that says what no honest one would', () => {
  let scripted: ScriptedIssuer
  let provider: IdentityProvider
  let lines: string[]
  const clock = realNow()
  const start = (parts: Partial<ProviderParts> = {}) => {
    const log = createLogger({ service: 'user', destination: { write: (line) => void lines.push(line) } })
    return oidcProvider({ config: configOf(scripted.issuer), redirectUri, clock, log, ...parts })
  }
  beforeEach(async () => {
    lines = []
    scripted = await startScriptedIssuer()
    provider = start()
  })
  afterEach(async () => {
    await provider.close()
    await scripted.close()
  })

  const query = () => new URLSearchParams({ code: 'a-code', state: round.state, iss: scripted.issuer }).toString()
  const identify = async (idToken: string | Promise<string>) => {
    scripted.answerWith(await idToken)
    return codeOf(await provider.identify(query(), round))
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('the good ID token that all the bad ones differ from is taken', async () => {
    assert.equal(await identify(scripted.idToken(round.nonce)), 'ok')
  })

  test('an ID token that is forged, for somebody else, of somebody else or too old is refused', async () => {
    const nowS = Math.floor(clock.now().getTime() / 1_000)
    const { privateKey: stranger } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const [header, payload, signature] = (await scripted.idToken(round.nonce)).split('.')
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString())
    const modulus = Buffer.from(scripted.publicJwk.n ?? '', 'base64url')
    const idToken = (changes: object) => scripted.idToken(round.nonce, changes)
    const bad: Readonly<Record<string, string | Promise<string>>> = {
      'alg none': `${encode({ alg: 'none' })}.${payload}.`,
      'alg None with a signature': `${encode({ alg: 'None', kid: 'scripted' })}.${payload}.${signature}`,
      'HS256 with the public key': idToken({ header: { alg: 'HS256' }, key: modulus }),
      'HS256 with the client secret': idToken({ header: { alg: 'HS256' }, key: Buffer.from('a secret'.padEnd(32)) }),
      'another algorithm than announced': idToken({ header: { alg: 'RS512' } }),
      'another key': idToken({ key: stranger }),
      'an unknown key id': idToken({ header: { kid: 'unknown' } }),
      'no signature': `${header}.${payload}.`,
      'other claims under the signature': `${header}.${encode({ ...claims, sub: 'ada-1' })}.${signature}`,
      'wrong nonce': scripted.idToken('x'.repeat(43)),
      'no nonce': idToken({ claims: { nonce: undefined } }),
      'wrong audience': idToken({ claims: { aud: 'another-client' } }),
      'several audiences, for another': idToken({ claims: { aud: [CLIENT_ID, 'other'], azp: 'other' } }),
      'wrong issuer': idToken({ claims: { iss: 'https://accounts.google.com' } }),
      expired: idToken({ claims: { iat: nowS - 900, exp: nowS - 600 } }),
      'without an end': idToken({ claims: { exp: undefined } }),
      'not yet good': idToken({ claims: { nbf: nowS + 600 } }),
      'without a subject': idToken({ claims: { sub: undefined } }),
      'no token at all': '',
      rubbish: 'a.b.c',
    }
    for (const [what, token] of Object.entries(bad))
      assert.equal(await identify(token), 'user.provider-answer-invalid', what)
    for (const line of lines) assert.ok(!line.includes('eve@example.com') && !line.includes(String(signature)), line)
  })

  test('time is the injected clock: the same token is too old when that says so', async () => {
    const later = fakeClock(new Date(Date.now() + 3_600_000).toISOString())
    const inAnHour = start({ clock: later })
    scripted.answerWith(await scripted.idToken(round.nonce))
    assert.equal(codeOf(await inAnHour.identify(query(), round)), 'user.provider-answer-invalid')
    await inAnHour.close()
  })

  test('an address counts as proven only by a plain true', async () => {
    const emailOf = async (claims: object) => {
      scripted.answerWith(await scripted.idToken(round.nonce, { claims }))
      const identity = await provider.identify(query(), round)
      return identity.ok ? identity.value.verifiedEmail : 'refused'
    }
    assert.equal(await emailOf({}), 'eve@example.com')
    for (const claim of ['true', 1, 'yes', undefined, null, false, {}])
      assert.equal(await emailOf({ email_verified: claim }), undefined, String(claim))
    assert.equal(await emailOf({ email: ['ada@example.com'] }), undefined)
  })

  test('a token endpoint that refuses, answers rubbish, redirects, says too much or nothing', async () => {
    const answers: Readonly<Record<string, (typeof scripted.pages)[string]>> = {
      'a refusal': (_request, response) =>
        response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'),
      rubbish: (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
      html: (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'a failure': (_request, response) => response.writeHead(500).end(),
      'a redirect': (_request, response) => response.writeHead(307, { location: '/jwks' }).end(),
    }
    for (const [what, page] of Object.entries(answers)) {
      scripted.pages['/token'] = (...given) => void page(...given)
      assert.equal(codeOf(await provider.identify(query(), round)), 'user.provider-answer-invalid', what)
    }
    assert.ok(!scripted.asked.includes('POST /jwks'))
    scripted.pages['/token'] = () => ({ access_token: 'x'.repeat(300_000), token_type: 'bearer' })
    assert.equal(codeOf(await provider.identify(query(), round)), 'user.provider-unavailable')
    scripted.pages['/token'] = (_request, response) => void response.destroy()
    assert.equal(codeOf(await provider.identify(query(), round)), 'user.provider-unavailable')
  })

  test('a provider that does not answer, or not to the end, is not waited for', async () => {
    const hasty = start({ guard: createGuardedFetch({ trustedHost: '127.0.0.1', allowHttp: true, answerMs: 300 }) })
    assert.equal(codeOf(await hasty.authorizationUrl(round)), 'ok')
    scripted.pages['/token'] = () => undefined
    assert.equal(codeOf(await hasty.identify(query(), round)), 'user.provider-unavailable')
    scripted.pages['/token'] = (_request, response) =>
      void response.writeHead(200, { 'content-length': 100 }).write('{')
    assert.equal(codeOf(await hasty.identify(query(), round)), 'user.provider-unavailable')
    await hasty.close()
  })

  test('what it says of itself is asked for again after it could not be had', async () => {
    const { '/.well-known/openid-configuration': good } = scripted.pages
    scripted.pages['/.well-known/openid-configuration'] = (_request, response) => void response.writeHead(503).end()
    assert.equal(codeOf(await provider.authorizationUrl(round)), 'user.provider-unavailable')
    scripted.pages['/.well-known/openid-configuration'] = good ?? (() => ({}))
    assert.equal(codeOf(await provider.authorizationUrl(round)), 'ok')
    assert.equal(codeOf(await provider.authorizationUrl(round)), 'ok')
    assert.equal(scripted.asked.filter((asked) => asked.includes('well-known')).length, 2)
  })

  test('a description of somebody else, or that leads away from https, is not believed', async () => {
    const hostile = [
      { issuer: 'https://accounts.google.com' },
      { issuer: undefined },
      { authorization_endpoint: 'javascript:alert(1)' },
      { authorization_endpoint: 'http://elsewhere.example/authorize' },
      { authorization_endpoint: undefined },
    ]
    for (const changes of hostile) {
      scripted.pages['/.well-known/openid-configuration'] = () => scripted.metadata(changes)
      assert.equal(codeOf(await provider.authorizationUrl(round)), 'user.provider-unavailable', JSON.stringify(changes))
    }
    scripted.pages['/.well-known/openid-configuration'] = () => ({
      ...scripted.metadata(),
      padding: 'x'.repeat(300_000),
    })
    assert.equal(codeOf(await provider.authorizationUrl(round)), 'user.provider-unavailable')
  })

  test('a description that points to private addresses leads nowhere (SSRF)', async () => {
    const victim = await startScriptedIssuer()
    const port = new URL(victim.issuer).port
    const askAt = async (target: string) => {
      scripted.pages['/.well-known/openid-configuration'] = () => scripted.metadata({ token_endpoint: target })
      const other = start()
      const answer = codeOf(await other.identify(query(), round))
      await other.close()
      return answer
    }
    const targets = [
      'http://169.254.169.254/latest/meta-data',
      'https://169.254.169.254/latest/meta-data',
      `http://localhost:${port}/token`,
      `https://localhost:${port}/token`,
      `https://127.0.0.2:${port}/token`,
      `https://[::1]:${port}/token`,
      `https://[::ffff:127.0.0.1]:${port}/token`,
      `https://2130706434:${port}/token`,
      `https://0x7f.2:${port}/token`,
      `https://0177.0.0.2:${port}/token`,
      'file:///etc/passwd',
    ]
    for (const target of targets) {
      lines = []
      assert.notEqual(await askAt(target), 'ok', target)
      assert.match(
        lines.join(),
        /not on the public internet|only https is asked|only requests to HTTP or HTTPS/,
        target,
      )
    }
    assert.deepEqual(victim.asked, [])
    await askAt(`${victim.issuer}/token`) // the configured host itself: what a test that asks nobody would miss
    assert.deepEqual(victim.asked, ['POST /token'])
    await victim.close()
  })
})

describe('asking the public internet only', () => {
  const lookupTo =
    (...addresses: readonly string[]): LookupFunction =>
    (_hostname, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )

  test('a name that leads to a private address is not connected to, whichever of its addresses it is', async () => {
    const scripted = await startScriptedIssuer()
    const port = new URL(scripted.issuer).port
    for (const addresses of [['127.0.0.1'], ['::1'], ['8.8.8.8', '127.0.0.1'], ['169.254.169.254'], []]) {
      const guard = createGuardedFetch({ lookup: lookupTo(...addresses) })
      await assert.rejects(
        guard.fetch(`https://issuer.example:${port}/`),
        /not on the public internet/,
        String(addresses),
      )
      await guard.close()
    }
    assert.deepEqual(scripted.asked, [])
    await scripted.close()
  })

  test('the configured host may be private, its neighbours not; plain HTTP only where it is allowed', async () => {
    const scripted = await startScriptedIssuer()
    const guard = createGuardedFetch({ trustedHost: '127.0.0.1', allowHttp: true })
    assert.equal((await guard.fetch(`${scripted.issuer}/jwks`)).status, 200)
    await assert.rejects(guard.fetch(scripted.issuer.replace('127.0.0.1', '127.0.0.2')), { name: 'FetchRefused' })
    const strict = createGuardedFetch({ trustedHost: '127.0.0.1' })
    await assert.rejects(strict.fetch(`${scripted.issuer}/jwks`), { name: 'FetchRefused' })
    assert.deepEqual(scripted.asked, ['GET /jwks'])
    await Promise.all([guard.close(), strict.close(), scripted.close()])
  })
})
