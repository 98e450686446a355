import { afterOneCell, cellsLeft, freeInS, fullInS } from './gcra.ts'
import { type Cells, type LocalCells, localCells } from './local-cells.ts'
import type { Policies, PolicyName, RouteLimit } from './policies.ts'
import type { SharedCells } from './shared-cells.ts'
import { createTeller } from './teller.ts'

/** Who asks for what, as far as it is known. */
export interface Asked {
  /** Of a verified token. */
  readonly userId: string | undefined
  /** What addresses are counted under: see `limitKey` in the http-kit. */
  readonly address: string
  /** What the route counts on its own. */
  readonly limit: RouteLimit | undefined
}

export type Verdict =
  | { readonly admitted: true; readonly fields: LimitFields }
  | {
      readonly admitted: false
      readonly fields: LimitFields
      /** `busy`: too many requests. `unknown`: Redis is away and this route refuses without it. */
      readonly because: 'busy' | 'unknown'
      readonly retryAfterS: number
    }

/** Values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10: lists of strings with parameters, RFC 9651). */
export interface LimitFields {
  readonly policy: string
  readonly state: string
}

export interface RateLimiter {
  /** Takes a cell of every bucket that the request falls into. Almost always at once; a promise only where Redis is asked first. */
  admit(asked: Asked): Verdict | Promise<Verdict>
  /** Counts a token that was not good, against its address. @returns the verdict of that bucket */
  badToken(address: string): Verdict
  /** Whether that bucket would take one more; it takes none. */
  mayGuess(address: string): boolean
  close(): void
}

export interface LimiterOptions {
  readonly policies: Policies
  /** Undefined: this process counts alone. */
  readonly shared: SharedCells | undefined
  /** A time that never goes back, in whole µs. */
  readonly nowUs: () => number
  /** Buckets remembered of each policy; default 100,000. */
  readonly mostBuckets?: number
}

const MOST_BUCKETS = 100_000

/**
 * Counts requests per user or address, and per route where it says so. The ordinary limits are decided here, from what this process knows,
 * and told to the other gateways in the background (see teller.ts); tight ones ask Redis about each cell.
 */
export function createRateLimiter({
  policies,
  shared,
  nowUs,
  mostBuckets = MOST_BUCKETS,
}: LimiterOptions): RateLimiter {
  const known = Object.fromEntries(
    Object.values(policies).map((policy) => [policy.name, localCells(policy, mostBuckets)]),
  ) as Record<PolicyName, LocalCells>
  const teller = shared && createTeller(shared, nowUs)

  const takeHere = (cells: Cells): boolean => {
    const next = afterOneCell(cells.tatUs, nowUs(), cells.policy)
    if (next === undefined) return false
    cells.tatUs = next
    if (!cells.policy.asksFirst) teller?.used(cells)
    return true
  }

  const takeThere = async (cells: Cells): Promise<'taken' | 'busy' | 'unknown'> => {
    const ahead = await shared?.take(cells)
    if (ahead === undefined) return cells.policy.withoutRedis === 'refuse' ? 'unknown' : 'taken'
    cells.tatUs = Math.max(cells.tatUs, nowUs() + Math.abs(ahead))
    return ahead < 0 ? 'busy' : 'taken'
  }

  const generalOf = ({ userId, address }: Asked) =>
    userId === undefined ? known.address.of(address) : known.user.of(userId)
  const ownOf = (limit: RouteLimit, { userId, address }: Asked) =>
    known[limit].of(policies[limit].per === 'caller' ? (userId ?? address) : address)

  const admit: RateLimiter['admit'] = (asked) => {
    const general = generalOf(asked)
    const own = asked.limit && ownOf(asked.limit, asked)
    const buckets = own ? [general, own] : [general]
    const full = buckets.find((cells) => !takeHere(cells))
    if (full) return refused(buckets, full)
    if (!own?.policy.asksFirst || !shared) return admitted(fieldsOf(buckets))
    return takeThere(own).then((outcome) =>
      outcome === 'taken' ? admitted(fieldsOf(buckets)) : refused(buckets, own, outcome),
    )
  }

  const fieldsOf = (buckets: readonly Cells[]): LimitFields => fieldsAt(buckets, nowUs())
  const refused = (buckets: readonly Cells[], full: Cells, because: 'busy' | 'unknown' = 'busy'): Verdict => ({
    admitted: false,
    because,
    fields: fieldsOf(buckets),
    retryAfterS: because === 'unknown' ? WITHOUT_REDIS_S : freeInS(full.tatUs, nowUs(), full.policy),
  })

  return {
    admit,
    badToken: (address) => {
      const cells = known['bad-token'].of(address)
      return takeHere(cells) ? admitted(fieldsOf([cells])) : refused([cells], cells)
    },
    mayGuess: (address) => {
      const { tatUs, policy } = known['bad-token'].of(address)
      return cellsLeft(tatUs, nowUs(), policy) > 0
    },
    close: () => teller?.close(),
  }
}

/** When to try again what needs Redis, in seconds. */
const WITHOUT_REDIS_S = 5

const admitted = (fields: LimitFields): Verdict => ({ admitted: true, fields })

const stateItem = ({ policy, tatUs }: Cells, nowUs: number) =>
  `"${policy.name}";r=${cellsLeft(tatUs, nowUs, policy)};t=${fullInS(tatUs, nowUs)}`

const fieldsAt = ([one, other]: readonly Cells[], nowUs: number): LimitFields => {
  if (!one) return { policy: '', state: '' }
  if (!other) return { policy: one.policy.field, state: stateItem(one, nowUs) }
  return {
    policy: `${one.policy.field}, ${other.policy.field}`,
    state: `${stateItem(one, nowUs)}, ${stateItem(other, nowUs)}`,
  }
}
