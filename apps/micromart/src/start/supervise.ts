import { type ChildProcess, fork } from 'node:child_process'
import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { backOffMs } from '@micromart/postgres/wakeable'
import { Fault } from '../fault.ts'

export interface Supervised {
  /** Resolves once the process takes work; rejects when it ends before it ever did. */
  start(): Promise<void>
  /** Ends it in order, without taking leave, and with SIGKILL if it has not finished after 15 s. It is not restarted then. */
  stop(): Promise<void>
  /** Stops it as one of several: others take over while it drains. */
  drainAndStop(): Promise<void>
  pid(): number | undefined
  /** How often it was started again after it had ended by itself. */
  restarts(): number
}

export interface SuperviseOptions {
  readonly name: string
  /** Which instance, from 0. */
  readonly instance: number
  /** The program of this version unless it is told otherwise; asked at each start. */
  readonly program?: (() => string) | undefined
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
const DEFAULT_STABLE_MS = 1_000
const LONGEST_PAUSE_MS = 3_000

/** Keeps one service's process alive: restarted with back-off whenever it ends without being asked to. */
export function supervise(options: SuperviseOptions): Supervised {
  const { name, instance, program = () => MAIN, environment, log, onProgress } = options
  const stableMs = options.stableMs ?? DEFAULT_STABLE_MS
  const label = instance === 0 ? name : `${name} ${instance + 1}`
  let child: ChildProcess | undefined
  let wanted = false
  let failures = 0
  let restarts = 0
  let pending: NodeJS.Timeout | undefined

  const launch = () => {
    let readyAt: number | undefined
    const launched = fork(program(), ['serve', name], {
      env: { ...environment },
      stdio: ['ignore', log, 'pipe', 'ipc'],
    })
    child = launched
    const lastWords = collect(launched, log)
    const limit = setTimeout(() => launched.kill('SIGKILL'), START_LIMIT_MS)
    const ready = new Promise<void>((resolve, reject) => {
      launched.once('message', () => {
        readyAt = Date.now()
        resolve()
      })
      launched.once('exit', (code) =>
        reject(new Fault(`The service ${label} could not start: ${lastWords() || `exit code ${code}`}`)),
      )
    }).finally(() => clearTimeout(limit))
    launched.once('exit', (code, signal) => {
      child = undefined
      if (wanted) restartLater(readyAt, signal ?? `exit code ${code}`)
    })
    return ready
  }

  /** Who has worked for a while was killed or has met with an accident; who did not even get that far will probably fail again. */
  const restartLater = (readyAt: number | undefined, cause: string) => {
    failures = readyAt !== undefined && Date.now() - readyAt > stableMs ? 1 : failures + 1
    restarts += 1
    const delayMs = backOffMs(failures, { firstMs: 200, mostMs: LONGEST_PAUSE_MS })
    onProgress(`${label} ended (${cause}); starting it again in ${delayMs} ms`)
    pending = setTimeout(() => launch().catch(() => {}), delayMs) // its end is heard by the exit listener
  }

  const stop = async (signal: NodeJS.Signals) => {
    wanted = false
    clearTimeout(pending)
    if (child) await end(child, signal)
  }

  return {
    start: async () => {
      await launch()
      wanted = true
    },
    stop: () => stop('SIGINT'),
    drainAndStop: () => stop('SIGTERM'),
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

async function end(child: ChildProcess, signal: NodeJS.Signals) {
  const ended = new Promise<void>((done) => child.once('close', () => done())) // after the last of its words
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(timer)
}
