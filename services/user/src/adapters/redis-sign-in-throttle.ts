import { redisConnection, redisScript, runScript } from '@micromart/redis/redis-connection'
import type { Logger } from '@micromart/telemetry/logger'
import type { SignInThrottle } from '../ports.ts'
import { accountKey, countersOf, SIGN_IN_WINDOW_MS } from './sign-in-counters.ts'

export interface RedisThrottleOptions {
  /** `redis://user:password@host:port/database`, or `rediss://`. */
  readonly url: string
  readonly mostFailures: number
  /** Answers while Redis is away or slow; it hears of every attempt, so that it knows what this instance has seen. */
  readonly fallback: SignInThrottle
  readonly log: Logger
  /** What all keys begin with; default `micromart:sign-in:`. */
  readonly prefix?: string
  /** How long failures count, from the first one on; default 15 minutes. */
  readonly windowMs?: number
  readonly onReady?: () => void
}

export interface RedisSignInThrottle extends SignInThrottle {
  close(): void
}

/** One step on the server, so that a counter can never be left without its end. */
const COUNT = redisScript(`
  for _, key in ipairs(KEYS) do
    if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
  end`)
/** The longest wait of all counters that are full; ARGV holds what each may have. */
const WAIT = redisScript(`
  local wait = 0
  for index, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[index]) then wait = math.max(wait, redis.call('PTTL', key)) end
  end
  return wait`)

/**
 * The same counters for all instances, in Redis, with digests as keys. It connects in the background and for ever; what it cannot answer
 * in time the fallback answers. Losing or flushing Redis costs the counted failures and nothing else.
 */
export function redisSignInThrottle(options: RedisThrottleOptions): RedisSignInThrottle {
  const { fallback, mostFailures } = options
  const { prefix = 'micromart:sign-in:', windowMs = SIGN_IN_WINDOW_MS } = options
  const redis = redisConnection({ ...options, meanwhile: 'failed sign-ins are counted in memory' })
  const keysOf = (keys: readonly string[]) => keys.map((key) => `${prefix}${key}`)

  return {
    waitMs: async (attempt) => {
      const counters = countersOf(attempt, mostFailures)
      const keys = keysOf(counters.map(({ key }) => key))
      const mosts = counters.map(({ most }) => String(most))
      const wait = await redis.ask((client) => runScript(client, WAIT, { keys, arguments: mosts }))
      return typeof wait === 'number' ? wait : fallback.waitMs(attempt)
    },
    failed: async (attempt) => {
      const keys = keysOf(countersOf(attempt, mostFailures).map(({ key }) => key))
      await fallback.failed(attempt)
      await redis.ask((client) => runScript(client, COUNT, { keys, arguments: [String(windowMs)] }))
    },
    succeeded: async (attempt) => {
      await fallback.succeeded(attempt)
      await redis.ask((client) => client.del(keysOf([accountKey(attempt.email)])))
    },
    close: () => redis.close(),
  }
}
