import type { Refusal, Result } from '@micromart/kernel/result'

/** Somebody as a provider knows them. The pair of issuer and subject is who they are; an address can change hands. */
export interface ProvidedIdentity {
  readonly issuer: string
  readonly subject: string
  /** Only when the provider vouches that it is theirs. */
  readonly verifiedEmail: string | undefined
  readonly name: string | undefined
}

/** What ties one answer to the browser and the question that it belongs to; fresh each time. */
export interface Round {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export type ProviderRefusal = Refusal<
  'user.provider-unavailable' | 'user.provider-denied' | 'user.provider-answer-invalid'
>

/** Somebody else who can say who a person is: authorization code flow with PKCE (RFC 9700). */
export interface IdentityProvider {
  readonly name: string
  readonly label: string
  /** Where the browser goes. */
  authorizationUrl(round: Round): Promise<Result<URL, ProviderRefusal>>
  /** Changes the answer that the browser brought back, the query of the redirect address, for who it is. */
  identify(query: string, round: Round): Promise<Result<ProvidedIdentity, ProviderRefusal>>
  close(): Promise<void>
}
