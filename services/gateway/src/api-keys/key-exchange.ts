import { hash } from 'node:crypto'
import { API_KEY_FORM } from '@micromart/contracts/api-key'
import type { Caller, VerifyToken } from '@micromart/http-kit/identity'
import { kitProblem } from '@micromart/http-kit/problem'
import type { Logger } from '@micromart/telemetry/logger'
import type { EndedSessions } from '../ended-sessions.ts'

/** Whom an API key lets in, and what services are shown in its place. */
export interface Admitted {
  readonly caller: Caller
  /** An access token as an Authorization header has it: services never see a key. */
  readonly authorization: string
}

/** Exchanges API keys for access tokens and remembers what came of it, by the digests of the keys. */
export interface ApiKeys {
  /** At once for a key that was exchanged before; undefined when user has to be asked. @throws ProblemError 401 for one that is known to be no good */
  find(key: string): Admitted | undefined
  /** Asks user, once for all who wait for the same key. @throws ProblemError 401 for a key that is not good, 503 when user cannot say */
  ask(key: string): Promise<Admitted>
}

/** What user answers; `expiresIn` in seconds. */
export interface ExchangedKey {
  readonly good: boolean
  readonly accessToken: string
  readonly expiresIn: number
}

export interface ApiKeysParts {
  readonly exchange: (key: string) => Promise<ExchangedKey>
  readonly verifyToken: VerifyToken
  /** A key that was revoked is among them at once. */
  readonly ended: Pick<EndedSessions, 'has'>
  /** In ms since 1970. */
  readonly now: () => number
  readonly log: Logger
}

interface Kept extends Admitted {
  renewAtMs: number
  readonly goodUntilMs: number
}

const MOST_KEPT = 10_000
const MOST_REFUSED = 10_000
/** A key that is no good stays so; this only bounds how long a mistake of ours would last. */
const REFUSED_MS = 10_000
/** Of different keys at the same time, so that guesses do not become a load for user. */
const MOST_ASKED = 64
/** Parts of a token's life: from when on a new one is asked for while this one still serves, and when it serves no more. */
const RENEW_AT = 0.6
const GOOD_UNTIL = 0.9
const RENEW_AGAIN_MS = 1_000

const notGood = () => kitProblem('auth.invalid-token', 'The API key is not valid, has expired or was revoked')
const unavailable = () => kitProblem('auth.unavailable', 'API keys cannot be checked right now; try again in a moment')

export function createApiKeys({ exchange, verifyToken, ended, now, log }: ApiKeysParts): ApiKeys {
  const good = new Map<string, Kept>()
  const refused = new Map<string, number>()
  const asking = new Map<string, Promise<Admitted>>()
  let failing = false

  const fail = (err: unknown) => {
    if (!failing) log.warn({ err }, 'API keys cannot be exchanged; those that are known serve on')
    failing = true
    return unavailable()
  }

  const refuse = (digest: string) => {
    good.delete(digest)
    put(refused, { key: digest, value: now() + REFUSED_MS, most: MOST_REFUSED })
    return notGood()
  }

  const keep = (digest: string, admitted: Admitted, token: { askedAtMs: number; lifeMs: number }): Admitted => {
    const renewAtMs = token.askedAtMs + token.lifeMs * RENEW_AT
    const goodUntilMs = token.askedAtMs + token.lifeMs * GOOD_UNTIL
    put(good, { key: digest, value: { ...admitted, renewAtMs, goodUntilMs }, most: MOST_KEPT })
    return admitted
  }

  const exchanged = async (key: string, digest: string): Promise<Admitted> => {
    const askedAtMs = now()
    const {
      good: isGood,
      accessToken,
      expiresIn,
    } = await exchange(key).catch((error: unknown) => Promise.reject(fail(error)))
    if (!isGood) throw refuse(digest)
    // a token that was made just now is good; if it is not, that is no fault of whoever shows the key
    const caller = await Promise.resolve(accessToken)
      .then(verifyToken)
      .catch((error: unknown) => Promise.reject(fail(error)))
    failing = false
    if (ended.has(caller)) throw refuse(digest)
    return keep(digest, { caller, authorization: `Bearer ${accessToken}` }, { askedAtMs, lifeMs: expiresIn * 1_000 })
  }

  const ask = (key: string, digest: string): Promise<Admitted> => {
    const underWay = asking.get(digest)
    if (underWay !== undefined) return underWay
    if (asking.size >= MOST_ASKED) return Promise.reject(unavailable())
    const asked = exchanged(key, digest).finally(() => asking.delete(digest))
    asking.set(digest, asked)
    return asked
  }

  /** Nobody waits for it: what is known serves meanwhile, and on when user is away. */
  const renew = (key: string, digest: string, kept: Kept) => {
    kept.renewAtMs = now() + RENEW_AGAIN_MS
    ask(key, digest).catch(() => {})
  }

  const keptOf = (digest: string): Kept | undefined => {
    const kept = good.get(digest)
    if (kept && kept.goodUntilMs > now()) return kept
    if ((refused.get(digest) ?? 0) > now()) throw notGood()
    return undefined
  }

  return {
    find: (key) => {
      if (!API_KEY_FORM.test(key)) throw notGood()
      const digest = digestOf(key)
      const kept = keptOf(digest)
      if (!kept) return undefined
      if (ended.has(kept.caller)) throw refuse(digest)
      if (kept.renewAtMs <= now()) renew(key, digest, kept)
      return kept
    },
    ask: (key) => ask(key, digestOf(key)),
  }
}

const digestOf = (key: string) => hash('sha256', key, 'base64url')

/** The latest comes last, and the oldest makes room. */
function put<V>(map: Map<string, V>, { key, value, most }: { key: string; value: V; most: number }): void {
  map.delete(key)
  if (map.size >= most) map.delete(map.keys().next().value ?? '')
  map.set(key, value)
}
