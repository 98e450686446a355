import type { UnaskedEnd } from '@micromart/cli/start/supervise'
import type { Failure } from './load.ts'
import type { Phase } from './restarts.ts'

/** A failure and what was going on meanwhile. */
export interface PlacedFailure extends Failure {
  readonly during: Phase
}

/** A process that ended without being asked to. */
export interface Crash extends UnaskedEnd {
  readonly at: Date
  /** What it said last. */
  readonly lastLines: readonly string[]
}

const nameOf = ({ name, instance }: { name: string; instance: number }) =>
  instance === 0 ? name : `${name} ${instance + 1}`

const phaseText = (phase: Phase): string =>
  phase.phase === 'none' ? 'no restart' : `${nameOf(phase)} ${phase.phase}, round ${phase.round}`

export const failureText = ({ at, what, during }: PlacedFailure): string =>
  `${at.toISOString()} ${what} (${phaseText(during)})`

export const crashText = (crash: Crash): readonly string[] => [
  `${crash.at.toISOString()} ${nameOf(crash)} ended by itself: ${crash.signal ?? `exit code ${crash.exitCode}`}`,
  ...crash.lastLines.map((line) => `      ${line}`),
]
