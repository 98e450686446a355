import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Supervised, supervise } from '@micromart/cli/start/supervise'
import type { ServiceName } from '@micromart/service-kit/service'

export type ProcessName = ServiceName | 'gateway'

/** One process of a service, such as `order-2`. */
export interface Instance {
  readonly id: string
  readonly service: ProcessName
  readonly number: number
  readonly httpPort: number
  readonly supervised: Supervised
  /** Takes requests, as its own health page says. */
  isReady(): Promise<boolean>
  /** False when there is no such process right now. */
  signal(name: NodeJS.Signals): boolean
  /** An orderly stop (SIGTERM) and a start. */
  restart(): Promise<void>
  /** Its clock is off by so much, for as long as that is not 0. */
  shiftClock(ms: number): void
}

export interface InstanceOptions {
  readonly service: ProcessName
  readonly number: number
  readonly httpPort: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: number
  readonly dir: string
  readonly onProgress: (line: string) => void
}

const AGENT = new URL('../clock-agent.ts', import.meta.url).href
const READY_WITHIN_MS = 1_000
const START_AGAIN_MS = 300

export function createInstance(options: InstanceOptions): Instance {
  const { service, httpPort, onProgress } = options
  const id = `${service}-${options.number}`
  const clockFile = join(options.dir, `${id}.clock`)
  rmSync(clockFile, { force: true })
  const environment = {
    ...options.environment,
    NODE_OPTIONS: `--import=${AGENT}`,
    CAMPAIGN_CLOCK_FILE: clockFile,
  }
  const supervised = supervise({
    name: service,
    instance: options.number - 1,
    environment,
    log: options.log,
    onProgress,
  })
  const signal = (name: NodeJS.Signals): boolean => {
    const pid = supervised.pid()
    try {
      return pid !== undefined && process.kill(pid, name)
    } catch {
      return false // it ended a moment ago
    }
  }
  const path = service === 'gateway' ? '/health' : '/ready'
  return {
    id,
    service,
    number: options.number,
    httpPort,
    supervised,
    signal,
    isReady: () =>
      fetch(`http://127.0.0.1:${httpPort}${path}`, { signal: AbortSignal.timeout(READY_WITHIN_MS) }).then(
        async (answer) => {
          await answer.body?.cancel()
          return answer.ok
        },
        () => false,
      ),
    restart: async () => {
      await supervised.stop()
      // what it needs may be away at the moment: whoever deploys tries again
      for (let started = false; !started; )
        started = await supervised.start().then(
          () => true,
          () => new Promise<boolean>((resolve) => setTimeout(() => resolve(false), START_AGAIN_MS)),
        )
    },
    shiftClock: (ms) => {
      if (ms === 0) rmSync(clockFile, { force: true })
      else writeFileSync(clockFile, String(ms))
      signal('SIGUSR2')
    },
  }
}
