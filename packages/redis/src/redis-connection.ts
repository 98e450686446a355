import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '@micromart/telemetry/logger'
import { createClient } from '@redis/client'

export type RedisClient = ReturnType<typeof createClient>

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://`. */
  readonly url: string
  readonly log: Logger
  /** What happens without Redis, for the log: "failed sign-ins are counted in memory". */
  readonly meanwhile: string
  /** Nobody waits longer for an answer, in ms; default 250. */
  readonly answerWithinMs?: number
  readonly onReady?: () => void
}

/** Redis for what can do without it: it connects in the background and for ever, and is never waited for. */
export interface RedisConnection {
  /**
   * The answer, or undefined when Redis is away, refuses, or does not answer in time. After one such failure nobody asks (undefined at
   * once) until a PING in the background is answered: a Redis that hangs costs one wait and not one for every request.
   */
  ask<T>(work: (client: RedisClient) => Promise<T>): Promise<T | undefined>
  isUp(): boolean
  close(): void
}

const LONGEST_PAUSE_MS = 5_000
const FIRST_PAUSE_MS = 250
const PING_EVERY_MS = 2_000
/** A connection on which not even a PING is answered is dead, whatever TCP says. */
const SILENT_MS = 8_000

export function redisConnection(options: RedisOptions): RedisConnection {
  const { log, answerWithinMs = 250 } = options
  const client = clientOf(options.url)
  const closing = new AbortController()
  let isDown = false
  let isProbing = false
  let pauseMs = FIRST_PAUSE_MS

  const failed = (error: unknown) => {
    if (closing.signal.aborted) return
    if (!isDown) log.warn({ err: error }, `Redis cannot be used: ${options.meanwhile} until it is back`)
    isDown = true
    void probe()
  }
  const recovered = () => {
    if (isDown) log.info('Redis is back')
    isDown = false
  }
  const inTime = async <T>(work: () => Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs)
    try {
      return await Promise.race([work(), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
  // one PING at a time and without a limit: it is answered when Redis goes on, and fails when its connection is given up
  const probe = async () => {
    if (isProbing) return
    isProbing = true
    do {
      await pause(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => {})
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
      if (client.isReady) await client.ping().then(recovered, () => {})
    } while (isDown && client.isReady)
    isProbing = false
  }

  client.on('error', failed).on('ready', () => {
    recovered()
    options.onReady?.()
  })
  void client.connect().catch(failed)

  return {
    ask: async (work) => {
      if (isDown || !client.isReady) return undefined
      try {
        const answer = await inTime(() => work(client))
        pauseMs = FIRST_PAUSE_MS
        return answer
      } catch (error) {
        failed(error)
        return undefined
      }
    },
    isUp: () => client.isReady && !isDown,
    close: () => {
      closing.abort()
      client.destroy()
    },
  }
}

const clientOf = (url: string): RedisClient =>
  createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: PING_EVERY_MS,
    socket: {
      connectTimeout: 2_000,
      socketTimeout: SILENT_MS,
      reconnectStrategy: (retries) => Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(retries, 10)),
    },
  })

/** A Lua script that runs on the server as one step. */
export interface RedisScript {
  readonly text: string
  /** SHA-1 of the text, by which the server knows it once it has seen it. */
  readonly digest: string
}

export const redisScript = (text: string): RedisScript => ({
  text,
  digest: createHash('sha1').update(text).digest('hex'),
})

/** Runs a script by its digest; sends the text only to a server that does not know it. */
export async function runScript(
  client: RedisClient,
  { text, digest }: RedisScript,
  options: { keys: string[]; arguments: string[] },
): Promise<unknown> {
  try {
    return await client.evalSha(digest, options)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return client.eval(text, options)
  }
}

/** What may be said about a fault in an address of Redis, which itself is never shown, for it may hold a password. */
export const redisUrlFaults = (name: string, url: string): readonly string[] =>
  url === '' || (URL.canParse(url) && /^rediss?:\/\/[^/]/.test(url))
    ? []
    : [`${name} is not redis://host:port or rediss://host:port`]
