import type { Logger } from '@micromart/telemetry/logger'
import { createClient } from '@redis/client'
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

/** A sign-in waits no longer than this for Redis. */
const ANSWER_WITHIN_MS = 250
const LONGEST_PAUSE_MS = 5_000

/** One step on the server, so that a counter can never be left without its end. */
const COUNT = `
  for _, key in ipairs(KEYS) do
    if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
  end`
/** The longest wait of all counters that are full; ARGV holds what each may have. */
const WAIT = `
  local wait = 0
  for index, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[index]) then wait = math.max(wait, redis.call('PTTL', key)) end
  end
  return wait`

/**
 * The same counters for all instances, in Redis, with digests as keys. It connects in the background and for ever; what it cannot answer
 * in time the fallback answers. Losing or flushing Redis costs the counted failures and nothing else.
 */
export function redisSignInThrottle(options: RedisThrottleOptions): RedisSignInThrottle {
  const { fallback, mostFailures, log } = options
  const { prefix = 'micromart:sign-in:', windowMs = SIGN_IN_WINDOW_MS } = options
  const client = createClient({
    url: options.url,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: 2_000,
      reconnectStrategy: (retries) => Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(retries, 10)),
    },
  })
  let isDown = false
  const complain = (error: unknown) => {
    if (!isDown)
      log.warn({ err: error }, 'Redis cannot be used: failed sign-ins are counted in memory until it is back')
    isDown = true
  }
  client.on('error', complain).on('ready', () => {
    if (isDown) log.info('Redis is back')
    isDown = false
    options.onReady?.()
  })
  void client.connect().catch(complain)

  const within = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (!client.isReady) return undefined
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS)
    try {
      return await Promise.race([work(), late.promise])
    } catch (error) {
      complain(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
  const keysOf = (keys: readonly string[]) => keys.map((key) => `${prefix}${key}`)

  return {
    waitMs: async (attempt) => {
      const counters = countersOf(attempt, mostFailures)
      const keys = keysOf(counters.map(({ key }) => key))
      const mosts = counters.map(({ most }) => String(most))
      const wait = await within(() => client.eval(WAIT, { keys, arguments: mosts }))
      return typeof wait === 'number' ? wait : fallback.waitMs(attempt)
    },
    failed: async (attempt) => {
      const keys = keysOf(countersOf(attempt, mostFailures).map(({ key }) => key))
      await fallback.failed(attempt)
      await within(() => client.eval(COUNT, { keys, arguments: [String(windowMs)] }))
    },
    succeeded: async (attempt) => {
      await fallback.succeeded(attempt)
      await within(() => client.del(keysOf([accountKey(attempt.email)])))
    },
    close: () => client.destroy(),
  }
}
