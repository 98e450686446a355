import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Logger } from '@micromart/telemetry/logger'

export interface Processes {
  /** Each takes its leave, as one process would, and ends. */
  drain(): Promise<void>
  /** Each finishes what runs, and ends. */
  close(): Promise<void>
}

export interface ProcessesOptions {
  readonly count: number
  /** How long each answers on when it takes its leave. */
  readonly drainMs: number
  readonly log: Logger
}

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 3_000
/** A process that has run for so long has not failed to start. */
const STABLE_MS = 10_000
/** A process ends by itself ten seconds after it takes nothing new. */
const PATIENCE_MS = 15_000

/**
 * Runs this program once more for each process; they share the port. New connections are handed out by turns, which spreads a few busy
 * ones better than the kernel does (`reusePort` goes by a hash of the address). A process that dies is replaced.
 * @throws Error when one cannot start
 */
export async function startProcesses({ count, drainMs, log }: ProcessesOptions): Promise<Processes> {
  let isReady = false
  let isEnding = false
  let failures = 0
  const workers = new Set<Worker>()

  const fork = (): Promise<void> => {
    const worker = cluster.fork()
    const startedAt = performance.now()
    workers.add(worker)
    worker.once('exit', (code, signal) => {
      workers.delete(worker)
      if (isEnding || !isReady) return
      failures = performance.now() - startedAt > STABLE_MS ? 1 : failures + 1
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
      log.error({ code, signal, pauseMs }, 'a gateway process ended; another takes its place')
      setTimeout(() => isEnding || fork().catch(() => {}), pauseMs) // its end is heard by the listener above
    })
    return new Promise((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('exit', (code) => reject(new Error(`A gateway process could not start (exit code ${code})`)))
    })
  }

  /** Each reads its routes file again. */
  const hangUp = () => {
    for (const worker of workers) worker.process.kill('SIGHUP')
  }

  const end = async (signal: 'SIGTERM' | 'SIGINT') => {
    isEnding = true
    process.off('SIGHUP', hangUp)
    const ends = [...workers].map((worker) => once(worker, 'exit'))
    for (const worker of workers) worker.process.kill(signal)
    const timer = setTimeout(() => {
      for (const worker of workers) worker.process.kill('SIGKILL')
    }, drainMs + PATIENCE_MS)
    await Promise.all(ends)
    clearTimeout(timer)
  }

  const started = await Promise.allSettled(Array.from({ length: count }, fork))
  const failed = started.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await end('SIGINT')
    throw failed.reason
  }
  isReady = true
  process.on('SIGHUP', hangUp)
  return { drain: () => end('SIGTERM'), close: () => end('SIGINT') }
}
