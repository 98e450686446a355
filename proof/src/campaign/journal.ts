import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HistoryRecorder, recordHistory } from '../history.ts'
import type { PlannedFault } from './plan.ts'

/** What became of one fault. */
export interface FaultRecord extends PlannedFault {
  readonly did: string
  /** Milliseconds since 1970. */
  readonly injectedAt: number
  readonly healedAt: number
  /** From the healing (or from the fault, where nobody of ours heals) until a purchase was confirmed and the process was ready; null when it never was. */
  readonly recoveryMs: number | null
  /** Its wave had a fault that hits everybody, so its recovery tells more about that one. */
  readonly overshadowed: boolean
}

/** One second of the campaign. */
export interface Second {
  readonly at: number
  readonly accepted: number
  readonly confirmed: number
  readonly faults: number
  readonly running: number
  /** Processes that want to run for each core of this machine, over the last minute: above 1 it is the machine that is slow. */
  readonly load: number
}

/** An invariant's verdict at some moment. */
export interface CheckRecord {
  readonly at: number
  readonly afterFaults: number
  readonly invariant: string
  readonly title: string
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

export interface Settings {
  readonly seed: string
  readonly faults: number
  readonly atOnce: number
  readonly instances: number
  readonly rate: number
  readonly kinds: readonly string[]
  readonly verifyEvery: number
}

/** Everything a campaign writes down, in a directory of its own: it can go on from there, and be reported from there. */
export interface Journal {
  readonly dir: string
  readonly historyFile: string
  fault(record: FaultRecord): void
  second(second: Second): void
  check(record: CheckRecord): void
  readonly history: HistoryRecorder
  trouble(error: unknown): void
  read(): JournalContent
}

export interface JournalContent {
  readonly faults: readonly FaultRecord[]
  readonly seconds: readonly Second[]
  readonly checks: readonly CheckRecord[]
}

const lines = <T>(file: string): readonly T[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => parse<T>(line))
    : []

/** The last line of a program that was killed may be half a line. */
function parse<T>(line: string): readonly T[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as T]
  } catch {
    return []
  }
}

export function openJournal(dir: string): Journal {
  mkdirSync(dir, { recursive: true })
  const file = (name: string) => join(dir, `${name}.ndjson`)
  const append = (name: string) => (record: unknown) => appendFileSync(file(name), `${JSON.stringify(record)}\n`)
  return {
    dir,
    historyFile: file('history'),
    fault: append('faults'),
    second: append('seconds'),
    check: append('checks'),
    history: recordHistory({ file: file('history'), firstProcess: lines(file('history')).length }),
    trouble: (error) => appendFileSync(join(dir, 'trouble.log'), `${new Date().toISOString()} ${String(error)}\n`),
    read: () => ({
      faults: lines(file('faults')),
      seconds: lines(file('seconds')),
      checks: lines(file('checks')),
    }),
  }
}

const settingsFile = (dir: string) => join(dir, 'campaign.json')

export function writeSettings(dir: string, settings: Settings): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(settingsFile(dir), `${JSON.stringify(settings, null, 2)}\n`)
}

export const readSettings = (dir: string): Settings | undefined =>
  existsSync(settingsFile(dir)) ? (JSON.parse(readFileSync(settingsFile(dir), 'utf8')) as Settings) : undefined
