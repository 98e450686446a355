import { ok, type Result, refuse } from '@micromart/kernel/result'
import type { Logger } from '@micromart/telemetry/logger'
import * as client from 'openid-client'
import type { IdentityProvider, ProvidedIdentity, ProviderRefusal, Round } from '../identity-providers.ts'

/** Seconds for one question to a provider. */
export const PROVIDER_TIMEOUT_S = 5

export interface CodeFlow {
  readonly redirectUri: string
  readonly scope: string
  /** The provider as it describes itself; asked again when it could not be had. */
  configuration(): Promise<client.Configuration>
  checks(round: Round): client.AuthorizationCodeGrantChecks
  identityOf(configuration: client.Configuration, tokens: Tokens): Promise<ProvidedIdentity>
  readonly log: Logger
  readonly provider: string
}

/** A provider that is asked by this flow. */
export const codeFlowProvider = (
  flow: CodeFlow,
  { label, close }: Pick<IdentityProvider, 'label' | 'close'>,
): IdentityProvider => ({
  name: flow.provider,
  label,
  authorizationUrl: (round) => authorizationUrl(flow, round),
  identify: (query, round) => identify(flow, query, round),
  close,
})

export type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>

const unavailable = refuse(
  'user.provider-unavailable',
  'The provider cannot be asked right now; try again in a moment, or sign in another way',
)

async function authorizationUrl(flow: CodeFlow, round: Round): Promise<Result<URL, ProviderRefusal>> {
  try {
    const configuration = await flow.configuration()
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: flow.redirectUri,
      scope: flow.scope,
      state: round.state,
      code_challenge: await client.calculatePKCECodeChallenge(round.codeVerifier),
      code_challenge_method: 'S256',
      ...(flow.checks(round).expectedNonce === undefined ? {} : { nonce: round.nonce }),
    })
    return ok(url)
  } catch (error) {
    warn(flow, error)
    return unavailable
  }
}

async function identify(
  flow: CodeFlow,
  query: string,
  round: Round,
): Promise<Result<ProvidedIdentity, ProviderRefusal>> {
  try {
    const configuration = await flow.configuration()
    const answer = new URL(`${flow.redirectUri}?${query}`)
    const tokens = await client.authorizationCodeGrant(configuration, answer, flow.checks(round))
    return ok(await flow.identityOf(configuration, tokens))
  } catch (error) {
    if (error instanceof client.AuthorizationResponseError)
      return refuse(
        'user.provider-denied',
        'The provider says that you did not agree; try again, or sign in another way',
      )
    warn(flow, error)
    return isSilence(error)
      ? unavailable
      : refuse('user.provider-answer-invalid', 'The answer of the provider does not fit this sign-in; start it again')
  }
}

/** No answer, as against a wrong one. */
const isSilence = (error: unknown): boolean =>
  error instanceof client.ClientError && (error.code === undefined || error.code === 'OAUTH_TIMEOUT')

/** The library's causes hold answers and tokens, and a parser quotes what it could not read: only names, codes and the library's own words are logged. */
function warn({ log, provider }: CodeFlow, error: unknown) {
  const { code, cause } = error as { code?: string; cause?: unknown }
  const said = error instanceof client.ResponseBodyError ? error.error.slice(0, 60) : undefined
  const reasons = [wordsOf(error), wordsOf(cause)]
  log.warn({ provider, code, said, reasons }, 'a sign-in with a provider failed')
}

const wordsOf = (error: unknown): string | undefined =>
  error instanceof Error && !(error instanceof SyntaxError) ? `${error.name}: ${error.message}` : undefined
