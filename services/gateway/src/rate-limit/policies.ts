import { type Rate, rateOf } from './gcra.ts'

/** What a route may count on its own, beside the general limit of every caller. */
export const routeLimits = [
  'sign-in',
  'refresh',
  'register',
  'password-reset',
  'second-factor',
  'account',
  'new-cart',
  'checkout',
  'import',
] as const
export type RouteLimit = (typeof routeLimits)[number]

export type PolicyName = 'user' | 'address' | 'bad-token' | RouteLimit

export interface Policy extends Rate {
  readonly name: PolicyName
  readonly windowS: number
  /** Its item of `RateLimit-Policy`. */
  readonly field: string
  /** Whom it counts: each address, or each signed-in user and only without one the address. */
  readonly per: 'address' | 'caller'
  /** Each cell is asked of Redis; otherwise it is decided here and told the others right after. */
  readonly asksFirst: boolean
  /** When Redis should be asked and is away: count in this process alone, or refuse. */
  readonly withoutRedis: 'count-here' | 'refuse'
}

export type Policies = Readonly<Record<PolicyName, Policy>>

type Plan = readonly [quota: number, windowS: number, options?: Partial<Omit<Policy, keyof Rate | 'name'>>]

const tight = { asksFirst: true } as const

/**
 * Generous for a person, an office behind one address and a demo; narrow for a program that guesses or hoards. `quota` at once, and they come
 * back evenly over `windowS` seconds.
 */
const plans: Readonly<Record<PolicyName, Plan>> = {
  user: [1_800, 60, { per: 'caller' }],
  address: [3_600, 60],
  'bad-token': [300, 60],
  'sign-in': [120, 60, tight],
  refresh: [300, 60, tight],
  register: [120, 300, tight],
  // it makes mails go out: better none than any number
  'password-reset': [30, 900, { ...tight, withoutRedis: 'refuse' }],
  'second-factor': [60, 300, tight],
  account: [60, 300, { ...tight, per: 'caller' }],
  'new-cart': [600, 60],
  checkout: [300, 60, { per: 'caller' }],
  import: [300, 60, { per: 'caller' }],
}

/** `name=quota/seconds`; the name `all` stands for every one that is not named. */
export const LIMIT_PATTERN = `^(?:all|${Object.keys(plans).join('|')})=[1-9][0-9]{0,5}/[1-9][0-9]{0,4}$`

/** The limits, with what the configuration changes, such as `sign-in=20/60`. */
export function policiesOf(changes: readonly string[]): Policies {
  const changed = new Map(
    changes.map((change) => {
      const [name = '', quota = '', windowS = ''] = change.split(/[=/]/)
      return [name, [Number(quota), Number(windowS)] as const]
    }),
  )
  const policyOf = (name: PolicyName): Policy => {
    const [plannedQuota, plannedWindowS, options] = plans[name]
    const [quota, windowS] = changed.get(name) ?? changed.get('all') ?? [plannedQuota, plannedWindowS]
    const rate = rateOf(quota, windowS)
    const field = `"${name}";q=${quota};w=${windowS}`
    return { per: 'address', asksFirst: false, withoutRedis: 'count-here', ...options, ...rate, name, windowS, field }
  }
  const names = Object.keys(plans) as PolicyName[]
  return Object.fromEntries(names.map((name) => [name, policyOf(name)])) as Record<PolicyName, Policy>
}
