import type { Fault } from './arming.ts'
import type { KnownPlace } from './record.ts'

/** One cell of the matrix. */
export interface Cell {
  readonly id: number
  readonly place: KnownPlace
  readonly fault: Fault
}

export type Verdict =
  /** The fault happened, the work came to its end, and the books agreed afterwards. */
  | 'held'
  /** The fault happened, and a client was left without an answer, work without an end, or the books disagreed. */
  | 'violated'
  /** The point was not reached again: a gap in the matrix. */
  | 'not reached'

export interface Outcome {
  readonly cell: Cell
  readonly verdict: Verdict
  /** From the fault until the work that it hit had ended, its own waiting included, and the process was there again, in ms. */
  readonly recoveryMs: number | undefined
  /** What was wrong, a sentence each. */
  readonly complaints: readonly string[]
}

/** What a cell has left while its work is still coming to its end. */
export interface Pending {
  readonly cell: Cell
  readonly firedAt: number | undefined
  readonly orderIds: readonly string[]
  /** Resolves when all of its runs have ended and the process is there again; never rejects. */
  readonly ended: Promise<{ readonly at: number; readonly complaints: readonly string[] }>
}
