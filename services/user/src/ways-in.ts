import type { ServiceParts } from '@micromart/service-kit/service'
import { githubProvider } from './adapters/github-provider.ts'
import { oidcProvider } from './adapters/oidc-provider.ts'
import { postgresChallenges } from './adapters/postgres-challenges.ts'
import { postgresExternalAccounts, postgresIdentities } from './adapters/postgres-identities.ts'
import { postgresProviderRounds } from './adapters/postgres-provider-rounds.ts'
import { postgresFactors, postgresRecoveryCodes } from './adapters/postgres-second-factors.ts'
import { browserCookie } from './browser-cookie.ts'
import { storefrontUrl, type UserConfig } from './config.ts'
import { forgetExpiredSignIns } from './expired-sign-ins.ts'
import { createExternalSignIn, type ExternalSignIn } from './external-sign-in.ts'
import { identityRoutes } from './http/identity-routes.ts'
import { providerRoutes } from './http/provider-routes.ts'
import { secondFactorRoutes } from './http/second-factor-routes.ts'
import { signInRoutes } from './http/sign-in-routes.ts'
import type { IdentityProvider } from './identity-providers.ts'
import { type ProviderConfig, parseProviders } from './provider-config.ts'
import { createProviderRounds } from './provider-rounds.ts'
import type { Reauthenticate } from './reauthenticate.ts'
import { sealerOf } from './sealed-secrets.ts'
import { checkSecondFactorKeys } from './second-factor-keys.ts'
import { createSecondFactors, type SecondFactors } from './second-factors.ts'
import type { Entrance } from './sign-in.ts'
import { createSignInChallenges, type SignInChallenges } from './sign-in-challenges.ts'

type Parts = ServiceParts<UserConfig>

export interface StrongSignIn {
  readonly secondFactors: SecondFactors
  readonly challenges: SignInChallenges
}

/** Second factors. @throws ConfigError when the key is no key, or not the one that they are sealed with */
export async function secondFactorsOn({ config, database, audit, clock }: Parts): Promise<StrongSignIn> {
  const sealer = sealerOf(config.USER_SECRETS_KEY)
  await checkSecondFactorKeys(database, sealer)
  const secondFactors = createSecondFactors({
    factors: postgresFactors({ clock }),
    recoveryCodes: postgresRecoveryCodes({ clock }),
    shop: config.USER_TOTP_ISSUER,
    ...{ database, sealer, audit, clock },
  })
  const challenges = createSignInChallenges({ store: postgresChallenges({ clock }), secondFactors, clock })
  return { secondFactors, challenges }
}

/** Every door that leads into an account, and what its owner may do to them. @throws ConfigError for providers that cannot be */
export function openDoors(
  parts: Parts,
  own: { entrance: Entrance; secondFactors: SecondFactors; reauthenticate: Reauthenticate },
): { keepHouse(): Promise<void>; close(): Promise<void> } {
  const { config, database, clock, http, ids, audit } = parts
  const { entrance, secondFactors, reauthenticate } = own
  const publicUrl = config.PUBLIC_URL.replace(/\/$/, '')
  const providers = providersOf(parts, publicUrl)
  const byName = new Map(providers.map((provider) => [provider.name, provider]))
  const rounds = createProviderRounds({ providers: byName, store: postgresProviderRounds({ database, clock }), clock })
  const identities = postgresIdentities({ database, clock })
  const accounts = postgresExternalAccounts({ clock })
  const externalSignIn: ExternalSignIn = createExternalSignIn({ database, rounds, identities, accounts, ids, audit })
  const cookie = browserCookie(publicUrl)
  signInRoutes(http, { entrance, externalSignIn, cookie })
  providerRoutes(http, { providers, rounds, cookie, pagesUrl: storefrontUrl(config) })
  identityRoutes(http, { identities, externalSignIn, rounds, reauthenticate, cookie })
  secondFactorRoutes(http, { secondFactors, reauthenticate })
  return {
    keepHouse: () => forgetExpiredSignIns({ database, clock }),
    close: async () => void (await Promise.all(providers.map((provider) => provider.close()))),
  }
}

function providersOf({ config, clock, log }: Parts, publicUrl: string): readonly IdentityProvider[] {
  const isProduction = config.MICROMART_ENV === 'production'
  const open = (provider: ProviderConfig) => {
    const redirectUri = `${publicUrl}/api/v1/auth/oidc/${provider.name}/callback`
    const parts = { config: provider, redirectUri, clock, log }
    return provider.kind === 'github' ? githubProvider(parts) : oidcProvider(parts)
  }
  return parseProviders(config.USER_OIDC_PROVIDERS, { isProduction, publicUrl }).map(open)
}
