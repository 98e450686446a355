import type { Clock } from '@micromart/kernel/clock'
import type { Logger } from '@micromart/telemetry/logger'
import * as client from 'openid-client'
import type { IdentityProvider, ProvidedIdentity } from '../identity-providers.ts'
import type { ProviderConfig } from '../provider-config.ts'
import { type CodeFlow, codeFlowProvider, PROVIDER_TIMEOUT_S, type Tokens } from './code-flow.ts'
import { createGuardedFetch, type GuardedFetch } from './guarded-fetch.ts'

/** How long a provider's description of itself is believed. Its keys are asked for by themselves when a new one appears. */
const BELIEVED_MS = 3_600_000

export interface ProviderParts {
  readonly config: ProviderConfig
  readonly redirectUri: string
  readonly clock: Clock
  readonly log: Logger
  readonly guard?: GuardedFetch
}

/** The guard of a provider: its configured host, and the public internet. */
export function guardFor({ issuer, privateNetwork }: ProviderConfig): GuardedFetch {
  const { hostname, protocol } = new URL(issuer)
  return createGuardedFetch(privateNetwork ? { trustedHost: hostname, allowHttp: protocol === 'http:' } : {})
}

/** Any OpenID Connect provider with a discovery document. ID tokens are checked by signature, issuer, audience, nonce and time. */
export function oidcProvider(parts: ProviderParts): IdentityProvider {
  const { config, redirectUri, clock, log, guard = guardFor(config) } = parts
  let known: { readonly configuration: Promise<client.Configuration>; readonly until: number } | undefined

  const discovered = () => {
    const now = clock.now().getTime()
    if (known && now < known.until) return known.configuration
    const configuration = discover(config, { clock, guard })
    known = { configuration, until: now + BELIEVED_MS }
    configuration.catch(() => {
      if (known?.configuration === configuration) known = undefined
    })
    return configuration
  }

  const flow: CodeFlow = {
    redirectUri,
    scope: 'openid email profile',
    configuration: discovered,
    checks: ({ state, nonce, codeVerifier }) => ({
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    }),
    identityOf,
    log,
    provider: config.name,
  }
  return codeFlowProvider(flow, { label: config.label, close: () => guard.close() })
}

async function discover(config: ProviderConfig, { clock, guard }: { clock: Clock; guard: GuardedFetch }) {
  const issuer = new URL(config.issuer)
  const isPlain = issuer.protocol === 'http:'
  const skewS = Math.round((clock.now().getTime() - Date.now()) / 1_000)
  const configuration = await client.discovery(
    issuer,
    config.clientId,
    { client_secret: config.clientSecret, [client.clockSkew]: skewS },
    undefined,
    {
      [client.customFetch]: guard.fetch,
      timeout: PROVIDER_TIMEOUT_S,
      execute: isPlain
        ? [client.enableNonRepudiationChecks, client.allowInsecureRequests]
        : [client.enableNonRepudiationChecks],
    },
  )
  const entry = configuration.serverMetadata().authorization_endpoint
  // the one address that the browser is sent to, and so the one that the library never asks itself
  if (!entry || (new URL(entry).protocol !== 'https:' && !(isPlain && new URL(entry).host === issuer.host)))
    throw new Error('The provider names no https address to sign in at')
  return configuration
}

async function identityOf(configuration: client.Configuration, tokens: Tokens): Promise<ProvidedIdentity> {
  const claims = tokens.claims()
  if (!claims) throw new Error('The provider gave no ID token')
  const { sub, iss } = claims
  const metadata = configuration.serverMetadata()
  // some providers keep the address out of the ID token
  const said =
    claims['email'] === undefined && metadata.userinfo_endpoint !== undefined
      ? await client.fetchUserInfo(configuration, tokens.access_token, sub)
      : claims
  const email = said['email_verified'] === true ? said['email'] : undefined
  const name = said['name']
  return {
    issuer: iss,
    subject: sub,
    verifiedEmail: typeof email === 'string' ? email : undefined,
    name: typeof name === 'string' ? name : undefined,
  }
}
