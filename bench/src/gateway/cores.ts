import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Which core does what; undefined where nothing can be pinned. */
export interface Cores {
  readonly gateway: number | undefined
  readonly upstream: number | undefined
  readonly load: readonly (number | undefined)[]
  readonly description: string
}

/** One core for the gateway, another for the service behind it, two more for the load; with two cores the load is with the service. */
export function chooseCores(): Cores {
  const count = availableParallelism()
  const canPin = spawnSync('taskset', ['-V']).status === 0
  if (canPin && count >= 4)
    return {
      gateway: 0,
      upstream: 1,
      load: [2, 3],
      description: `${count} cores: gateway on 0, upstream on 1, load on 2 and 3`,
    }
  if (canPin && count >= 2)
    return {
      gateway: 0,
      upstream: 1,
      load: [1],
      description: `${count} cores: gateway on 0, upstream and load share 1 (whatever is faster than they are shows their pace)`,
    }
  const why = canPin ? 'only one' : 'taskset is missing'
  return {
    gateway: undefined,
    upstream: undefined,
    load: [undefined, undefined],
    description: `${count} cores, NOTHING PINNED (${why}): the figures of one core cannot be told from those of several`,
  }
}

export const pinned = (core: number | undefined, command: string, args: readonly string[]) =>
  core === undefined
    ? { command, args: [...args] }
    : { command: 'taskset', args: ['-c', String(core), command, ...args] }
