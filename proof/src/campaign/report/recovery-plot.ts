import type { FaultRecord } from '../journal.ts'
import { type KindSummary, P95_LIMIT_MS, P99_LIMIT_MS } from '../summary.ts'
import { escaped, type Frame, scale, svg, text } from './svg.ts'

const WIDTH = 1100
const LEFT = 210
const ROW = 20
const TOP = 30
const LEAST_MS = 50
const TICKS_MS = [100, 300, 1_000, 3_000, 10_000, 30_000, 90_000]

/** Every recovery as a dot, a row for each kind of fault, on a logarithmic axis; a bar where its 95th percentile is. */
export function recoveryPlot(kinds: readonly KindSummary[], faults: readonly FaultRecord[]): string {
  const frame: Frame = { width: WIDTH, height: TOP + kinds.length * ROW + 30, left: LEFT, bottom: TOP }
  const place = scale([Math.log(LEAST_MS), Math.log(90_000)], [LEFT, WIDTH - 20])
  const x = (ms: number) => place(Math.log(Math.max(LEAST_MS, ms)))
  const bottom = TOP + kinds.length * ROW
  const limit = (ms: number, words: string) =>
    `<line class="limit" x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="${TOP - 8}" y2="${bottom}"/>${text(x(ms) - 40, TOP - 14, words)}`
  const rows = kinds.map(({ kind, recovery }, index) => {
    const y = TOP + index * ROW + ROW / 2
    const dots = faults
      .filter((fault) => fault.kind === kind && !fault.overshadowed && fault.recoveryMs !== null)
      .map(({ recoveryMs, number }) => dot(x(recoveryMs ?? 0), y, `${number}: ${recoveryMs} ms`))
    const bar = `<line class="p95" x1="${x(recovery.p95).toFixed(1)}" x2="${x(recovery.p95).toFixed(1)}" y1="${y - 7}" y2="${y + 7}"/>`
    return `${text(0, y + 4, kind)}${dots.join('')}${recovery.count > 0 ? bar : ''}`
  })
  return svg(frame, 'Recovery times of each kind of fault', [
    limit(P95_LIMIT_MS, 'p95 limit 5 s'),
    limit(P99_LIMIT_MS, 'p99 limit 15 s'),
    ...rows,
    ...TICKS_MS.map((ms) => text(x(ms) - 10, bottom + 20, ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`)),
  ])
}

const dot = (x: number, y: number, title: string) =>
  `<circle class="dot" cx="${x.toFixed(1)}" cy="${y}" r="2.5"><title>${escaped(title)}</title></circle>`
