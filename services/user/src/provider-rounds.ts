import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { IdentityProvider, ProvidedIdentity, ProviderRefusal, Round } from './identity-providers.ts'
import { createSealer } from './sealed-secrets.ts'

/** What was asked when the browser left. */
export interface Question {
  readonly provider: string
  /** A path on this shop's own address. */
  readonly returnTo: string
  /** Who wants to add a provider to their account; undefined for a sign-in. */
  readonly ownerId: string | undefined
}

export type Outcome =
  | { readonly status: 'back'; readonly sealedIdentity: string }
  | { readonly status: 'refused'; readonly refusal: ProviderRefusal['code'] }

/** Where rounds are kept, each known by the hash of its browser's secret; what has expired is as good as gone. */
export interface RoundStore {
  /** In the place of one of the same browser. */
  leave(browserHash: string, question: Question, expiresAt: Date): Promise<void>
  /** Once only: a second answer to the same question finds nothing. */
  take(browserHash: string, provider: string): Promise<Question | undefined>
  settle(browserHash: string, outcome: Outcome): Promise<void>
  /** Once only. The owner has to be the one who asked. */
  finish(tx: Transaction, browserHash: string, ownerId: string | undefined): Promise<FinishedRound | undefined>
}

export type FinishedRound = Outcome & { readonly provider: string }

export type RoundRefusal = ProviderRefusal | Refusal<'user.provider-unknown' | 'user.provider-round-unknown'>

export interface ProviderRounds {
  /** What the browser keeps, and where it goes. */
  leave(question: Question): Promise<Result<{ secret: string; url: URL }, RoundRefusal>>
  /** The browser is back with an answer; where it goes now. What came of it is kept for `finish`. */
  comeBack(answer: { provider: string; secret: string; query: string }): Promise<Result<string, RoundRefusal>>
  finish(
    tx: Transaction,
    secret: string,
    ownerId?: string,
  ): Promise<Result<ProvidedIdentity & { provider: string }, RoundRefusal>>
}

export const ROUND_TTL_S = 600
const SECRET_BYTES = 32

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')
const derived = (secret: string, what: string) => createHmac('sha256', secret).update(what).digest()

/** All values of a round are made from the secret in the browser's cookie: who does not have the cookie cannot answer, and the store knows none of them. */
const roundOf = (secret: string): Round => ({
  state: derived(secret, 'state').toString('base64url'),
  nonce: derived(secret, 'nonce').toString('base64url'),
  codeVerifier: derived(secret, 'code verifier').toString('base64url'),
})

const PURPOSE = 'provided identity'
const sealerOf = (secret: string) => createSealer([derived(secret, 'identity')])

export const roundUnknown = refuse(
  'user.provider-round-unknown',
  'This sign-in was not begun in this browser, is over, or took too long; start it again',
)

/** A trip of the browser to a provider and back, within ten minutes. */
export function createProviderRounds(parts: {
  providers: ReadonlyMap<string, IdentityProvider>
  store: RoundStore
  clock: Clock
}): ProviderRounds {
  const { providers, store, clock } = parts
  const providerOf = (name: string) => {
    const provider = providers.get(name)
    return provider ? ok(provider) : refuse('user.provider-unknown', 'There is no provider of this name')
  }

  const outcomeOf = async (provider: IdentityProvider, secret: string, query: string): Promise<Outcome> => {
    const identity = await provider.identify(query, roundOf(secret))
    if (!identity.ok) return { status: 'refused', refusal: identity.error.code }
    const sealedIdentity = sealerOf(secret).seal(Buffer.from(JSON.stringify(identity.value)), PURPOSE)
    return { status: 'back', sealedIdentity }
  }

  return {
    leave: async (question) => {
      const provider = providerOf(question.provider)
      if (!provider.ok) return provider
      const secret = randomBytes(SECRET_BYTES).toString('base64url')
      const url = await provider.value.authorizationUrl(roundOf(secret))
      if (!url.ok) return url
      await store.leave(hashOf(secret), question, new Date(clock.now().getTime() + ROUND_TTL_S * 1_000))
      return ok({ secret, url: url.value })
    },

    comeBack: async ({ provider: name, secret, query }) => {
      const provider = providerOf(name)
      if (!provider.ok) return provider
      // whoever brings somebody else's answer to this browser does not use up its round
      if (new URLSearchParams(query).get('state') !== roundOf(secret).state) return roundUnknown
      const question = await store.take(hashOf(secret), name)
      if (!question) return roundUnknown
      await store.settle(hashOf(secret), await outcomeOf(provider.value, secret, query))
      return ok(question.returnTo)
    },

    finish: async (tx, secret, ownerId) => {
      const round = await store.finish(tx, hashOf(secret), ownerId)
      if (!round) return roundUnknown
      if (round.status === 'refused') return err({ code: round.refusal, detail: details[round.refusal] })
      const identity = JSON.parse(sealerOf(secret).open(round.sealedIdentity, PURPOSE).toString()) as ProvidedIdentity
      return ok({ ...identity, provider: round.provider })
    },
  }
}

const details: Readonly<Record<ProviderRefusal['code'], string>> = {
  'user.provider-unavailable': 'The provider could not be asked; start again in a moment, or sign in another way',
  'user.provider-denied': 'The provider says that you did not agree; start again, or sign in another way',
  'user.provider-answer-invalid': 'The answer of the provider did not fit this sign-in; start it again',
}
