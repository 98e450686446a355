import { limitKey } from '@micromart/http-kit/client-address'
import { ProblemError } from '@micromart/http-kit/problem'
import type { Exchange } from '../exchange.ts'
import type { RateLimits } from '../gateway.ts'
import type { RateLimiter, Verdict } from './rate-limiter.ts'

/** Whoever runs the gateway asks them all the time. */
const UNCOUNTED = new Set(['/health', '/ready'])

/** The limiter at the door: knows who asks, tells the state of the limits in the answer, and words the refusals. */
export function limitedRequests(limiter: RateLimiter): RateLimits {
  const outcome = (exchange: Exchange, verdict: Verdict): ProblemError | undefined => {
    exchange.said.push('ratelimit-policy', verdict.fields.policy, 'ratelimit', verdict.fields.state)
    if (verdict.admitted) return undefined
    exchange.said.push('retry-after', String(verdict.retryAfterS))
    return verdict.because === 'busy' ? tooMany(verdict.retryAfterS) : unknown()
  }
  return {
    admit: (exchange) => {
      if (UNCOUNTED.has(exchange.path)) return undefined
      const address = limitKey(exchange.address)
      const verdict = limiter.admit({ userId: holderOf(exchange), address, limit: exchange.found?.limit })
      return verdict instanceof Promise ? verdict.then((known) => outcome(exchange, known)) : outcome(exchange, verdict)
    },
    badToken: (exchange) => outcome(exchange, limiter.badToken(limitKey(exchange.address))),
    mayGuess: ({ address }) => limiter.mayGuess(limitKey(address)),
  }
}

/** A person or somebody's API key: ids of both are UUIDs. */
function holderOf({ caller }: Exchange): string | undefined {
  if (caller.kind === 'user') return caller.userId
  return caller.kind === 'machine' ? caller.keyId : undefined
}

const tooMany = (seconds: number) =>
  new ProblemError(429, {
    code: 'rate-limit.exceeded',
    detail: `Too many requests: try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
  })

const unknown = () =>
  new ProblemError(503, {
    code: 'rate-limit.unavailable',
    detail: 'This cannot be counted right now, and is not done uncounted; try again in a moment',
  })
