import { createHash } from 'node:crypto'
import { type RedisConnection, redisScript, runScript } from '@micromart/redis/redis-connection'
import type { Rate } from './gcra.ts'
import type { Cells } from './local-cells.ts'

/** The buckets that all gateways share. */
export interface SharedCells {
  /**
   * Takes one cell if there is one.
   * @returns how far the TAT is ahead then, in µs; below zero (and so far ahead) when it was refused; undefined when nobody knows
   */
  take(cells: Cells): Promise<number | undefined>
  /** Tells of cells that were let in already, and hears how far each TAT is ahead with those of the others, in µs. */
  tell(used: readonly { readonly cells: Cells; readonly count: number }[]): Promise<readonly number[] | undefined>
}

/**
 * GCRA on the server, with its clock, for one or many buckets in one step. KEYS are buckets; ARGV holds the mode and then three numbers
 * for each bucket: interval and window in µs, and cells. Mode `take` uses the cells only if they fit; `tell` says that they were used
 * and lets the TAT run ahead of the window, so that what several gateways let in at the same time is paid back later. A bucket that
 * is full again goes by itself.
 */
const GCRA = redisScript(`
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local ahead = {}
  for index, key in ipairs(KEYS) do
    local interval, window, cells = tonumber(ARGV[3 * index - 1]), tonumber(ARGV[3 * index]), tonumber(ARGV[3 * index + 1])
    local tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
    local following = tat + interval * cells
    if ARGV[1] == 'take' and following - now > window then
      ahead[index] = now - tat
    else
      redis.call('SET', key, string.format('%.0f', following), 'PX', math.max(1, math.ceil((following - now) / 1000)))
      ahead[index] = following - now
    end
  end
  return ahead`)

export function sharedCells(redis: RedisConnection, prefix: string): SharedCells {
  const run = async (mode: 'take' | 'tell', used: readonly { cells: Cells; count: number }[]) => {
    const keys = used.map(({ cells }) => keyOf(prefix, cells))
    const numbers = used.flatMap(({ cells: { policy }, count }) => numbersOf(policy, count))
    const answer = await redis.ask((client) => runScript(client, GCRA, { keys, arguments: [mode, ...numbers] }))
    return Array.isArray(answer) ? answer.map(Number) : undefined
  }
  return {
    take: async (cells) => (await run('take', [{ cells, count: 1 }]))?.[0],
    tell: (used) => run('tell', used),
  }
}

const numbersOf = ({ intervalUs, windowUs }: Rate, count: number) => [intervalUs, windowUs, count].map(String)

/** No list of people or addresses in a store: a digest, short enough for a million of them. */
const keyOf = (prefix: string, { policy, key }: Cells) =>
  `${prefix}${policy.name}:${createHash('sha256').update(key).digest('base64url').slice(0, 22)}`
