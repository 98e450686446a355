import { type ChildProcess, fork } from 'node:child_process'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { backOffMs } from '@micromart/postgres/wakeable'
import { Fault } from '../fault.ts'

export interface Supervised {
  /** Resolves at the first start's success; rejects when the process ends before it was ever ready. */
  readonly ready: Promise<void>
  readonly pid: () => number | undefined
  readonly restarts: () => number
  /** SIGTERM, and SIGKILL for who has not finished after 15 s. */
  close(): Promise<void>
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const PATIENCE_MS = 15_000
const STABLE_MS = 10_000

/** Keeps one service's process alive: restarted with back-off whenever it ends without being asked to. */
export function supervise(options: {
  name: string
  environment: Readonly<Record<string, string | undefined>>
  log: Writable
  onProgress: (line: string) => void
}): Supervised {
  const { name } = options
  let child: ChildProcess | undefined
  let closing = false
  let failures = 0
  let restarts = 0
  let pending: NodeJS.Timeout | undefined
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  let wasReady = false

  const start = () => {
    const startedAt = Date.now()
    let lastWords = ''
    const started = fork(MAIN, ['serve', name], {
      env: { ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child = started
    started.stdout?.pipe(options.log, { end: false })
    started.stderr?.pipe(options.log, { end: false })
    started.stderr?.on('data', (data) => {
      lastWords = `${lastWords}${data}`.slice(-2_000)
    })
    started.once('message', () => {
      wasReady = true
      resolve()
    })
    started.once('exit', (code, signal) => {
      child = undefined
      if (closing) return
      if (!wasReady && code !== null)
        return reject(new Fault(`The service ${name} could not start: ${lastWords.trim() || `exit code ${code}`}`))
      failures = Date.now() - startedAt > STABLE_MS ? 1 : failures + 1
      restarts += 1
      const delayMs = backOffMs(failures, { firstMs: 200, mostMs: 10_000 })
      options.onProgress(`${name} ended (${signal ?? `exit code ${code}`}); starting it again in ${delayMs} ms`)
      pending = setTimeout(start, delayMs)
    })
  }

  start()
  return {
    ready,
    pid: () => child?.pid,
    restarts: () => restarts,
    close: async () => {
      closing = true
      clearTimeout(pending)
      const running = child
      if (!running) return
      const ended = new Promise<void>((done) => running.once('exit', () => done()))
      running.kill('SIGTERM')
      const timer = setTimeout(() => running.kill('SIGKILL'), PATIENCE_MS)
      await ended
      clearTimeout(timer)
    },
  }
}
