import { type ChildProcess, fork } from 'node:child_process'
import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { backOffMs } from '@micromart/postgres/wakeable'
import { Fault } from '../fault.ts'

export interface Supervised {
  /** Resolves once the process takes work; rejects when it ends before it ever did. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL for who has not finished after 15 s. It is not restarted then. */
  stop(): Promise<void>
  pid(): number | undefined
  /** How often it was started again after it had ended by itself. */
  restarts(): number
}

export interface SuperviseOptions {
  readonly name: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** An open file that everything the process says is appended to. */
  readonly log: number
  readonly onProgress: (line: string) => void
  /** Who has run for so long has not failed to start: its next restart comes soon again. Default 10 s. */
  readonly stableMs?: number | undefined
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const START_LIMIT_MS = 60_000
const PATIENCE_MS = 15_000
const DEFAULT_STABLE_MS = 10_000

/** Keeps one service's process alive: restarted with back-off whenever it ends without being asked to. */
export function supervise({ name, environment, log, onProgress, stableMs }: SuperviseOptions): Supervised {
  let child: ChildProcess | undefined
  let wanted = false
  let failures = 0
  let restarts = 0
  let pending: NodeJS.Timeout | undefined

  const launch = () => {
    const startedAt = Date.now()
    const launched = fork(MAIN, ['serve', name], { env: { ...environment }, stdio: ['ignore', log, 'pipe', 'ipc'] })
    child = launched
    const lastWords = collect(launched, log)
    const limit = setTimeout(() => launched.kill('SIGKILL'), START_LIMIT_MS)
    const ready = new Promise<void>((resolve, reject) => {
      launched.once('message', () => resolve())
      launched.once('exit', (code) =>
        reject(new Fault(`The service ${name} could not start: ${lastWords() || `exit code ${code}`}`)),
      )
    }).finally(() => clearTimeout(limit))
    launched.once('exit', (code, signal) => {
      child = undefined
      if (wanted) restartLater(startedAt, signal ?? `exit code ${code}`)
    })
    return ready
  }

  const restartLater = (startedAt: number, cause: string) => {
    failures = Date.now() - startedAt > (stableMs ?? DEFAULT_STABLE_MS) ? 1 : failures + 1
    restarts += 1
    const delayMs = backOffMs(failures, { firstMs: 200, mostMs: 10_000 })
    onProgress(`${name} ended (${cause}); starting it again in ${delayMs} ms`)
    pending = setTimeout(() => launch().catch(() => {}), delayMs) // its end is heard by the exit listener
  }

  return {
    start: async () => {
      await launch()
      wanted = true
    },
    stop: async () => {
      wanted = false
      clearTimeout(pending)
      if (child) await end(child)
    },
    pid: () => child?.pid,
    restarts: () => restarts,
  }
}

/** What a process says on its error channel goes to the log too; the last of it explains a failed start. */
function collect(child: ChildProcess, log: number): () => string {
  let lastWords = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    writeSync(log, text)
    lastWords = `${lastWords}${text}`.slice(-2_000)
  })
  return () => lastWords.trim()
}

async function end(child: ChildProcess) {
  const ended = new Promise<void>((done) => child.once('close', () => done())) // after the last of its words
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(timer)
}
