import { readFileSync } from 'node:fs'

/** What every process of the benchmark is told, in a file named by its first argument. */
export interface Settings {
  readonly port: number
  readonly upstreamPort: number
  /** Where ours tells its metrics. */
  readonly metricsPort: number
  /** The answer of the service, and of whatever answers from memory. */
  readonly body: string
  /** For the gateways that check HS256, as those of the books do. */
  readonly secret: string
  /** For ours: the public keys that the service gives out. */
  readonly jwks: string
}

export const readSettings = (): Settings => JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))

/** No limit is to be met, but every request is to be counted. */
export const NO_LIMIT = 1_000_000_000
