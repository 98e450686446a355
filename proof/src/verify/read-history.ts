import { readFile } from 'node:fs/promises'
import type { HistoryCall, HistoryFacts, HistoryRecord } from '../history.ts'

/** A history that cannot be read: one sentence that says where and why. */
export class BadHistory extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BadHistory'
  }
}

/** A call and its end. Without an end that is known (`info`, or none at all) it may have taken effect at any time after `from`, or never. */
export type Seen<Op extends HistoryCall['op'] = HistoryCall['op']> = {
  readonly call: Extract<HistoryCall, { op: Op }>
  readonly process: number
  /** Positions in the history: the order of time. */
  readonly from: number
} & ({ readonly end: 'ok' | 'fail'; readonly facts: HistoryFacts; readonly to: number } | { readonly end: 'unknown' })

export interface History {
  /** The calls of one kind, in the order in which they began. */
  of<Op extends HistoryCall['op']>(...ops: readonly Op[]): readonly Seen<Op>[]
}

/** @throws BadHistory for a file that is missing or not a history */
export async function readHistory(file: string): Promise<History> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new BadHistory(`The history ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return historyOf(parseLines(text, file))
}

/** A last line without its end was cut off when its writer died: what it says is not known. */
function parseLines(text: string, file: string): readonly HistoryRecord[] {
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const record = parseLine(line)
    if (record) return [record]
    if (index === lines.length - 1) return []
    throw new BadHistory(
      `Line ${index + 1} of ${file} is no record of a history: it needs process, type (invoke, ok, fail, info), op, key and at.`,
    )
  })
}

const TYPES = new Set(['invoke', 'ok', 'fail', 'info'])

function parseLine(line: string): HistoryRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<Record<string, unknown>> | null
    const { process, type, op, key, at } = record ?? {}
    const isRecord =
      typeof process === 'number' && TYPES.has(String(type)) && typeof op === 'string' && typeof key === 'string'
    return isRecord && typeof at === 'number' ? (record as unknown as HistoryRecord) : undefined
  } catch {
    return undefined
  }
}

/** Puts together what each client began and how it ended. @throws BadHistory when something ends that has not begun */
export function historyOf(records: readonly HistoryRecord[]): History {
  const seen: Seen[] = []
  const open = new Map<number, { readonly call: HistoryCall; readonly at: number }>()
  for (const [position, record] of records.entries()) {
    const { process } = record
    if (record.type === 'invoke') {
      const { process: _, at: __, type: ___, ...call } = record
      open.set(process, { call: call as HistoryCall, at: seen.length })
      seen.push({ call: call as HistoryCall, process, from: position, end: 'unknown' })
      continue
    }
    const begun = open.get(process)
    if (begun?.call.op !== record.op || begun.call.key !== record.key)
      throw new BadHistory(
        `Record ${position + 1} of the history ends ${record.op} ${record.key}, which client ${process} has not begun.`,
      )
    open.delete(process)
    if (record.type === 'info') continue
    const { process: _, at: __, type: end, op: ___, key: ____, ...facts } = record
    const before = seen[begun.at]
    if (before) seen[begun.at] = { call: begun.call, process, from: before.from, end, facts, to: position }
  }
  return {
    of: (...ops) => {
      const wanted: ReadonlySet<string> = new Set(ops)
      return seen.filter(({ call }) => wanted.has(call.op)) as never
    },
  }
}
