import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { CLIENT_ID, type ScriptedIssuer, startScriptedIssuer } from '@micromart/testkit/scripted-issuer'
import { githubProvider } from '../src/adapters/github-provider.ts'
import type { IdentityProvider } from '../src/identity-providers.ts'

const redirectUri = 'http://127.0.0.1:3000/api/v1/auth/oidc/github/callback'
const round = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) }
const query = new URLSearchParams({ code: 'a-code', state: round.state }).toString()

describe('GitHub, as its documentation describes it', () => {
  let github: ScriptedIssuer
  let provider: IdentityProvider
  let forms: URLSearchParams[]
  let tokens: (string | undefined)[]
  let lines: string[]
  const user = { id: 583_231, login: 'octocat', name: 'The Octocat', email: null }
  const emails = [
    { email: 'old@example.com', primary: false, verified: true, visibility: null },
    { email: 'octocat@example.com', primary: true, verified: true, visibility: 'private' },
  ]
  beforeEach(async () => {
    ;[forms, tokens, lines] = [[], [], []]
    github = await startScriptedIssuer()
    github.pages['/login/oauth/access_token'] = (_request, _response, body) => {
      forms.push(new URLSearchParams(body))
      return { access_token: 'gho_secret', scope: 'read:user,user:email', token_type: 'bearer' }
    }
    github.pages['/api/v3/user'] = (request) => {
      tokens.push(request.headers.authorization)
      return user
    }
    github.pages['/api/v3/user/emails'] = (request) => {
      tokens.push(request.headers.authorization)
      return emails
    }
    const { issuer } = github
    provider = githubProvider({
      config: {
        ...{ name: 'github', label: 'GitHub', kind: 'github', issuer, apiUrl: `${issuer}/api/v3` },
        ...{ clientId: CLIENT_ID, clientSecret: 'a secret', privateNetwork: true },
      },
      redirectUri,
      clock: fakeClock(),
      log: createLogger({ service: 'user', destination: { write: (line) => void lines.push(line) } }),
    })
  })
  afterEach(async () => {
    await provider.close()
    await github.close()
  })
  const codeOf = async () => {
    const result = await provider.identify(query, round)
    return result.ok ? 'ok' : result.error.code
  }

  test('is asked with PKCE and state, and says who it is by its number', async () => {
    const url = await provider.authorizationUrl(round)
    assert.ok(url.ok)
    const { searchParams: asked, origin, pathname } = url.value
    assert.equal(`${origin}${pathname}`, `${github.issuer}/login/oauth/authorize`)
    assert.deepEqual(
      [asked.get('state'), asked.get('redirect_uri'), asked.get('code_challenge_method'), asked.get('scope')],
      [round.state, redirectUri, 'S256', 'read:user user:email'],
    )
    assert.deepEqual(await provider.identify(query, round), {
      ok: true,
      value: { issuer: github.issuer, subject: '583231', verifiedEmail: 'octocat@example.com', name: 'The Octocat' },
    })
    const [form] = forms
    assert.deepEqual(
      [form?.get('code'), form?.get('code_verifier'), form?.get('redirect_uri'), form?.get('client_secret')],
      ['a-code', round.codeVerifier, redirectUri, 'a secret'],
    )
    assert.deepEqual(tokens, ['Bearer gho_secret', 'Bearer gho_secret'])
  })

  test('only the primary address counts, and only when it is verified', async () => {
    const emailWith = async (answer: object) => {
      github.pages['/api/v3/user/emails'] = () => answer
      const identity = await provider.identify(query, round)
      return identity.ok ? identity.value.verifiedEmail : 'refused'
    }
    assert.equal(await emailWith([{ ...emails[1], verified: false }, emails[0]]), undefined)
    assert.equal(await emailWith([]), undefined)
    assert.equal(await emailWith(emails), 'octocat@example.com')
  })

  test('another state, a refusal, an answer that is none: nobody is signed in, and nothing secret is logged', async () => {
    const stranger = await provider.identify(`code=a-code&state=${'x'.repeat(43)}`, round)
    assert.equal(!stranger.ok && stranger.error.code, 'user.provider-answer-invalid')
    assert.deepEqual(forms, [])
    const denied = await provider.identify(`error=access_denied&state=${round.state}`, round)
    assert.equal(!denied.ok && denied.error.code, 'user.provider-denied')
    for (const answer of [
      { id: '583231', login: 'octocat' },
      { login: 'octocat' },
      { id: -1, login: 'x' },
      [],
      'gho_secret',
    ]) {
      github.pages['/api/v3/user'] = () => answer
      assert.equal(await codeOf(), 'user.provider-answer-invalid', JSON.stringify(answer))
    }
    github.pages['/api/v3/user'] = (_request, response) => void response.writeHead(401).end('{"message":"gho_secret"}')
    assert.equal(await codeOf(), 'user.provider-answer-invalid')
    // GitHub answers a used or wrong code with 200
    github.pages['/login/oauth/access_token'] = () => ({ error: 'bad_verification_code', error_description: 'x' })
    assert.equal(await codeOf(), 'user.provider-answer-invalid')
    github.pages['/login/oauth/access_token'] = (_request, response) => void response.destroy()
    assert.equal(await codeOf(), 'user.provider-unavailable')
    assert.ok(lines.length > 0)
    for (const line of lines) assert.ok(!/gho_secret|octocat/.test(line), line)
  })
})
