import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from './cores.ts'
import { quantilesMs } from './latencies.ts'

/** What one worker does. */
export interface LoadWork {
  readonly port: number
  /** The whole request as it is sent. */
  readonly request: string
  /** The status that counts as no error. */
  readonly expected: string
  readonly connections: number
  readonly warmUpMs: number
  /** Until so much time is over, or so many answers have come. */
  readonly lengthMs?: number
  readonly requests?: number
  /** Offered at this rate; otherwise each connection asks again as soon as it has its answer. */
  readonly perSecond?: number
}

export interface LoadPart {
  readonly answers: number
  /** With those of the warm-up. */
  readonly allAnswers: number
  readonly seconds: number
  readonly latencies: readonly number[]
  readonly errors: Readonly<Record<string, number>>
  /** Due, and not even sent two seconds after the end. */
  readonly unanswered: number
}

export interface Measured {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly answers: number
  readonly allAnswers: number
  readonly errors: Readonly<Record<string, number>>
}

const WORKER = fileURLToPath(new URL('load-worker.ts', import.meta.url))

/** The same work divided among a worker on each of these cores. */
export async function runLoad(work: LoadWork, cores: readonly (number | undefined)[]): Promise<Measured> {
  const share = (amount: number | undefined) => amount && amount / cores.length
  const own = {
    ...work,
    connections: Math.ceil(work.connections / cores.length),
    requests: share(work.requests),
    perSecond: share(work.perSecond),
  }
  const parts = await Promise.all(cores.map((core) => runWorker(own, core)))
  const errors: Record<string, number> = {}
  for (const part of parts) {
    for (const [what, count] of Object.entries(part.errors)) errors[what] = (errors[what] ?? 0) + count
    if (part.unanswered > 0) errors['not sent in time'] = (errors['not sent in time'] ?? 0) + part.unanswered
  }
  const latencies = parts.map((part) => part.latencies)
  const [p50Ms = 0, p95Ms = 0, p99Ms = 0] = quantilesMs(latencies, [0.5, 0.95, 0.99])
  const answers = parts.reduce((sum, part) => sum + part.answers, 0)
  const allAnswers = parts.reduce((sum, part) => sum + part.allAnswers, 0)
  const perSecond = parts.reduce((sum, part) => sum + part.answers / part.seconds, 0)
  return { perSecond, p50Ms, p95Ms, p99Ms, answers, allAnswers, errors }
}

async function runWorker(work: object, core: number | undefined): Promise<LoadPart> {
  const { command, args } = pinned(core, process.execPath, [WORKER, JSON.stringify(work)])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const text = (await child.stdout.setEncoding('utf8').toArray()).join('')
  if (text === '') throw new Error('a load worker ended without a result')
  return JSON.parse(text) as LoadPart
}
