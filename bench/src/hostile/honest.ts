import { setTimeout as pause } from 'node:timers/promises'
import { type Distribution, distributionOf } from '@micromart/proof/campaign/statistics'
import { Pool } from 'undici'

export interface Served {
  /** Of the answers, in ms, each from the moment it was due. */
  readonly latencyMs: Distribution
  /** What was not answered with 200, and how often. */
  readonly errors: Readonly<Record<string, number>>
}

/** Requests at an even rate, sent when they are due whatever became of those before. */
export async function serveHonestly(url: string, load: { perSecond: number; seconds: number }): Promise<Served> {
  const pool = new Pool(url, { connections: 64, pipelining: 1, connect: { timeout: 5_000 } })
  const latencies: number[] = []
  const errors: Record<string, number> = {}
  const ask = async (dueAt: number) => {
    const outcome = await pool
      .request({ method: 'GET', path: '/api/v1/products', headersTimeout: 10_000 })
      .then(({ statusCode, body }) => body.dump().then(() => String(statusCode)))
      .catch((error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)))
    if (outcome === '200') latencies.push(performance.now() - dueAt)
    else errors[outcome] = (errors[outcome] ?? 0) + 1
  }
  const asked: Promise<void>[] = []
  const startedAt = performance.now()
  for (let count = 0; count < load.perSecond * load.seconds; count += 1) {
    const dueAt = startedAt + (count * 1_000) / load.perSecond
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await pause(waitMs)
    asked.push(ask(dueAt))
  }
  await Promise.all(asked)
  await pool.close()
  return { latencyMs: distributionOf(latencies), errors }
}
