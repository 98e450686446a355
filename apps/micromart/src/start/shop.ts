import type { ServiceName } from '@micromart/service-kit/service'
import type { DatabaseUrls } from './databases.ts'

export interface StartOptions {
  /** Port of the gateway. */
  readonly port: number
  readonly dataDir: string
  /** Processes of each service, in the split shape; default 1. */
  readonly instances?: number
  /** Throws away what an earlier start has left. */
  readonly fresh: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly onProgress: (line: string) => void
  /** Split: how long a process has to run to be taken for healthy by its supervisor; default 10 s. */
  readonly stableMs?: number
}

/** A shop that runs, in whichever shape. */
export interface RunningShop {
  readonly url: string
  readonly databases: DatabaseUrls
  /** Resolves with a sentence when the shop cannot go on, because its database went away. */
  readonly broken: Promise<string>
  /** Stops one service in order; the others go on. */
  stopService(name: ServiceName): Promise<void>
  startService(name: ServiceName): Promise<void>
  /** Stops everything in order, the database last. */
  close(): Promise<void>
}
