import { styleText } from 'node:util'
import type { State } from './campaign.ts'
import { distributionOf, groupBy } from './statistics.ts'

export interface Progress {
  line(text: string): void
  state(state: State): void
  close(): void
}

const EVERY_MS = 15_000
const RECENT_MS = 10_000

/** On a terminal one block that is written again and again; otherwise plain lines, one now and then and one for each violation. */
export function openProgress(out: NodeJS.WriteStream, quiet: boolean): Progress {
  const isTerminal = out.isTTY === true && !quiet
  const startedAt = Date.now()
  const speed = createSpeed()
  let height = 0
  let toldAt = 0
  let toldViolations = 0
  let first: number | undefined

  const write = (text: string) => {
    if (!quiet) out.write(text)
  }
  const erase = () => {
    if (height > 0) write(`\u001b[${height}A\u001b[J`)
    height = 0
  }
  const line = (text: string) => {
    erase()
    write(`${text}\n`)
  }
  return {
    line,
    state: (state) => {
      first ??= state.records.length
      const perSecond = speed(state)
      for (const violation of state.violations.slice(toldViolations)) line(`VIOLATION  ${violation}`)
      toldViolations = state.violations.length
      const rest = restOf({ done: state.records.length - first, left: state.total - state.records.length, startedAt })
      if (isTerminal) {
        const block = blockOf(state, { perSecond, rest, width: out.columns })
        erase()
        write(`${block.join('\n')}\n`)
        height = block.length
      } else if (Date.now() - toldAt >= EVERY_MS) {
        toldAt = Date.now()
        line(lineOf(state, { perSecond, rest }))
      }
    },
    close: () => {
      height = 0
    },
  }
}

/** Confirmed orders a second, over the last ten seconds. */
function createSpeed() {
  const marks: { at: number; confirmed: number }[] = []
  return ({ confirmed }: State): number => {
    const at = Date.now()
    marks.push({ at, confirmed })
    while (at - (marks[0]?.at ?? at) > RECENT_MS) marks.shift()
    const oldest = marks[0]
    return oldest && at > oldest.at ? ((confirmed - oldest.confirmed) * 1_000) / (at - oldest.at) : 0
  }
}

const restOf = ({ done, left, startedAt }: { done: number; left: number; startedAt: number }): string =>
  done === 0 ? 'unknown' : minutes(((Date.now() - startedAt) / done) * left)

const minutes = (ms: number) => `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`

const recoveryOf = ({ records }: State) =>
  distributionOf(
    records.flatMap(({ recoveryMs, overshadowed }) => (overshadowed || recoveryMs === null ? [] : [recoveryMs])),
  )

function lineOf(state: State, { perSecond, rest }: { perSecond: number; rest: string }): string {
  const { p95, most } = recoveryOf(state)
  return [
    `${state.records.length} of ${state.total} faults`,
    ...(state.phase === 'checking' ? ['checking the books'] : []),
    `${state.accepted} checkouts, ${state.confirmed} confirmed (${perSecond.toFixed(1)}/s)`,
    `recovery p95 ${p95} ms, longest ${most} ms`,
    `violations ${state.violations.length}`,
    `left ${rest}`,
  ].join('; ')
}

const KINDS_IN_A_ROW = 3
const NAME_WIDTH = 27

function blockOf(
  state: State,
  { perSecond, rest, width }: { perSecond: number; rest: string; width: number },
): readonly string[] {
  const { p95, p99 } = recoveryOf(state)
  const bad = state.violations.length
  const counts = [...groupBy(state.records, ({ kind }) => kind)].map(([kind, { length }]) => `${kind} ${length}`)
  const rows = Array.from({ length: Math.ceil(counts.length / KINDS_IN_A_ROW) }, (_, row) =>
    counts
      .slice(row * KINDS_IN_A_ROW, (row + 1) * KINDS_IN_A_ROW)
      .map((text) => text.padEnd(NAME_WIDTH))
      .join(''),
  )
  const now = state.active.map(({ kind, target }) => `${kind} ${target}`).join(', ')
  return [
    `Faults      ${state.records.length} of ${state.total}, left ${rest}`,
    `Now         ${state.phase === 'checking' ? 'checking the books' : now || 'recovering'}`,
    `Orders      ${state.accepted} accepted, ${state.confirmed} confirmed, ${perSecond.toFixed(1)} a second`,
    `Recovery    p95 ${p95} ms, p99 ${p99} ms`,
    `Violations  ${styleText(bad > 0 ? 'red' : 'green', String(bad), { stream: process.stdout })}`,
    ...rows.map((row) => `  ${row}`),
  ].map((text) => text.slice(0, Math.max(20, width - 1)))
}
