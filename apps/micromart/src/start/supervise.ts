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

/** An end that nobody has asked for. */
export interface UnaskedEnd {
  readonly name: string
  /** From 0. */
  readonly instance: number
  /** Undefined for a process that was killed; then there is a signal. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
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
  readonly onUnaskedEnd?: ((end: UnaskedEnd) => void) | undefined
  /** Who has run for so long has not failed to start: its next restart comes soon again. Default 10 s. */
  readonly stableMs?: number | undefined
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
/** Without a sign of life; many that start together on a busy machine are slow. */
const START_LIMIT_MS = 120_000
const PATIENCE_MS = 15_000
const DEFAULT_STABLE_MS = 1_000
const LONGEST_PAUSE_MS = 3_000

/** Keeps one service's process alive: restarted with back-off whenever it ends without being asked to. */
export function supervise(options: SuperviseOptions): Supervised {
  const { name, instance, program = () => MAIN, environment, log, onProgress, onUnaskedEnd = () => {} } = options
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
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      launched.kill('SIGKILL')
    }, START_LIMIT_MS)
    const ready = new Promise<void>((resolve, reject) => {
      launched.on('message', (message) => {
        if (readyAt !== undefined) return
        if (message === 'waiting') return void limit.refresh() // for its store, and it says so in the log
        readyAt = Date.now()
        resolve()
      })
      launched.once('exit', (code, signal) => {
        const late = isLate ? `it took longer than ${START_LIMIT_MS / 1_000} s` : undefined
        reject(new Fault(`The service ${label} could not start: ${late ?? (lastWords() || reasonOf(code, signal))}`))
      })
    }).finally(() => clearTimeout(limit))
    launched.once('exit', (code, signal) => {
      child = undefined
      if (!wanted) return
      onUnaskedEnd({ name, instance, exitCode: code ?? undefined, signal: signal ?? undefined })
      restartLater(readyAt, isLate ? `not ready after ${START_LIMIT_MS / 1_000} s` : reasonOf(code, signal))
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
    if (!child) return
    const drainMs = signal === 'SIGTERM' ? Number(environment['DRAIN_MS'] ?? 0) : 0
    const wasKilled = await end(child, signal, drainMs + PATIENCE_MS)
    if (wasKilled) onProgress(`${label} had not ended ${PATIENCE_MS / 1_000} s after it was told to, and was killed`)
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

const reasonOf = (code: number | null, signal: string | null) => signal ?? `exit code ${code}`

/** What a process says on its error channel goes to the log too; the last of it explains a failed start. */
function collect(child: ChildProcess, log: number): () => string {
  let lastWords = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    writeSync(log, text)
    lastWords = `${lastWords}${text}`.slice(-2_000)
  })
  return () => lastWords.trim()
}

/** @returns whether it had to be killed */
async function end(child: ChildProcess, signal: NodeJS.Signals, patienceMs: number): Promise<boolean> {
  let isKilled = false
  const ended = new Promise<void>((done) => child.once('close', () => done())) // after the last of its words
  child.kill(signal)
  const timer = setTimeout(() => {
    isKilled = child.kill('SIGKILL')
  }, patienceMs)
  await ended
  clearTimeout(timer)
  return isKilled
}
