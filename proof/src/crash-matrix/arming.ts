import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CrashPoint } from '@micromart/telemetry/crash-points'

/** The process dies at once; the step fails; the step never ends, until the process is killed from outside. */
export const faults = ['kill', 'error', 'hang'] as const
export type Fault = (typeof faults)[number]

/** One point of the matrix: a moment in one service, about one kind of work. */
export interface Place {
  readonly service: string
  readonly point: CrashPoint
  readonly kind: string
}

export interface Armed extends Place {
  readonly cell: number
  readonly fault: Fault
}

export interface Reached {
  readonly service: string
  readonly point: CrashPoint
  readonly kinds: readonly string[]
}

export interface Fired {
  readonly pid: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The folder through which the matrix and the agents speak: files, because a killed process has no time for more. */
export interface Arming {
  arm(armed: Armed): void
  disarm(service: string): void
  /** What is armed for a service. */
  armed(service: string): Armed | undefined
  noteFired(cell: number, fired: Fired): void
  fired(cell: number): Fired | undefined
  setRecording(on: boolean): void
  isRecording(): boolean
  noteReached(reached: Reached): void
  /** Every point that was reached while recording. */
  reached(): readonly Reached[]
}

export const CRASH_DIR = 'MICROMART_CRASH_DIR'

export function openArming(dir: string): Arming {
  const armFile = (service: string) => join(dir, `${service}.armed`)
  const firedFile = (cell: number) => join(dir, `${cell}.fired`)
  const recordingFile = join(dir, 'recording')
  const reachedFile = join(dir, 'reached.ndjson')
  return {
    arm: (armed) => {
      rmSync(firedFile(armed.cell), { force: true })
      writeFileSync(armFile(armed.service), JSON.stringify(armed))
    },
    disarm: (service) => rmSync(armFile(service), { force: true }),
    armed: (service) => read<Armed>(armFile(service))[0],
    noteFired: (cell, fired) => writeFileSync(firedFile(cell), JSON.stringify(fired)),
    fired: (cell) => read<Fired>(firedFile(cell))[0],
    setRecording: (on) => (on ? writeFileSync(recordingFile, '') : rmSync(recordingFile, { force: true })),
    isRecording: () => existsSync(recordingFile),
    noteReached: (reached) => appendFileSync(reachedFile, `${JSON.stringify(reached)}\n`),
    reached: () => read<Reached>(reachedFile),
  }
}

/** The JSON lines of a file; one that is still being written is not there yet. */
function read<T>(file: string): readonly T[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as T]
      } catch {
        return []
      }
    })
}
