import * as client from 'openid-client'
import Type, { type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/value'
import type { IdentityProvider, ProvidedIdentity } from '../identity-providers.ts'
import { type CodeFlow, codeFlowProvider, PROVIDER_TIMEOUT_S, type Tokens } from './code-flow.ts'
import { guardFor, type ProviderParts } from './oidc-provider.ts'

const GithubUser = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  login: Type.String(),
})
const GithubEmails = Type.Array(
  Type.Object({ email: Type.String(), primary: Type.Boolean(), verified: Type.Boolean() }),
)

/** GitHub speaks OAuth 2 (RFC 6749, with PKCE) without ID tokens: who it is, its API says to whoever holds the access token. */
export function githubProvider(parts: ProviderParts): IdentityProvider {
  const { config, redirectUri, log, guard = guardFor(config) } = parts
  const base = config.issuer.replace(/\/$/, '')
  const api = config.apiUrl.replace(/\/$/, '')
  const configuration = new client.Configuration(
    {
      issuer: base,
      authorization_endpoint: `${base}/login/oauth/authorize`,
      token_endpoint: `${base}/login/oauth/access_token`,
    },
    config.clientId,
    config.clientSecret,
  )
  configuration[client.customFetch] = guard.fetch
  configuration.timeout = PROVIDER_TIMEOUT_S
  if (base.startsWith('http:')) client.allowInsecureRequests(configuration)

  const ask = async <S extends TSchema>(path: string, schema: S, { access_token: token }: Tokens) => {
    const answer = await client.fetchProtectedResource(
      configuration,
      token,
      new URL(`${api}${path}`),
      'GET',
      undefined,
      new Headers({ accept: 'application/vnd.github+json', 'user-agent': 'micromart' }),
    )
    const body: unknown = answer.ok ? await answer.json() : undefined
    if (!Check(schema, body)) throw new Error(`GitHub answered ${answer.status} to ${path}, or not as it used to`)
    return body as Static<S>
  }

  const identityOf = async (_configuration: client.Configuration, tokens: Tokens): Promise<ProvidedIdentity> => {
    const user = await ask('/user', GithubUser, tokens)
    const emails = await ask('/user/emails', GithubEmails, tokens)
    const verified = emails.find(({ primary, verified }) => primary && verified)
    return { issuer: base, subject: String(user.id), verifiedEmail: verified?.email, name: user.name ?? user.login }
  }

  const flow: CodeFlow = {
    redirectUri,
    scope: 'read:user user:email',
    configuration: async () => configuration,
    checks: ({ state, codeVerifier }) => ({ expectedState: state, pkceCodeVerifier: codeVerifier }),
    identityOf,
    log,
    provider: config.name,
  }
  return codeFlowProvider(flow, { label: config.label, close: () => guard.close() })
}
