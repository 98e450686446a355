import type { FaultRecord, Second } from '../journal.ts'
import { escaped, type Frame, scale, svg, text } from './svg.ts'

const FRAME: Frame = { width: 1100, height: 340, left: 60, bottom: 300 }
const TOP = 20
const FAULTS_TOP = 190
const CURVE_BOTTOM = 170
const BUCKETS = 240
const LANES = 12

/** Faults and throughput over one time axis: where a fault stops the sale, the curve has a dent above its mark. */
export function timeline(seconds: readonly Second[], faults: readonly FaultRecord[]): string {
  const start = seconds[0]?.at ?? faults[0]?.injectedAt ?? 0
  const end = Math.max(start + 1_000, seconds.at(-1)?.at ?? 0)
  const x = scale([start, end], [FRAME.left, FRAME.width - 10])
  const rates = throughput(seconds, [start, end])
  const most = Math.max(1, ...rates.map(({ perSecond }) => perSecond))
  const y = scale([0, most], [CURVE_BOTTOM, TOP])
  const curve = rates.map(({ at, perSecond }) => `${x(at).toFixed(1)},${y(perSecond).toFixed(1)}`).join(' ')
  return svg(FRAME, 'Faults and confirmed orders over time', [
    text(0, TOP + 5, `${most.toFixed(1)}/s`),
    text(0, CURVE_BOTTOM, '0/s'),
    text(0, FAULTS_TOP + 12, 'faults'),
    `<polyline class="curve" points="${curve}"/>`,
    ...faults.map((fault, index) => mark(fault, { x, y: FAULTS_TOP + (index % LANES) * 9 })),
    ...axis(start, end, x),
  ])
}

interface Rate {
  readonly at: number
  readonly perSecond: number
}

/** Confirmed orders a second in each bucket of time. After a resume the counts begin at 0 again. */
function throughput(seconds: readonly Second[], [start, end]: readonly [number, number]): readonly Rate[] {
  const widthMs = Math.max(1_000, (end - start) / BUCKETS)
  const sums = new Map<number, number>()
  for (const [index, { at, confirmed }] of seconds.entries()) {
    const before = seconds[index - 1]?.confirmed ?? 0
    const bucket = Math.floor((at - start) / widthMs)
    sums.set(bucket, (sums.get(bucket) ?? 0) + (confirmed >= before ? confirmed - before : confirmed))
  }
  return [...sums].map(([bucket, sum]) => ({ at: start + bucket * widthMs, perSecond: (sum * 1_000) / widthMs }))
}

function mark(fault: FaultRecord, { x, y }: { x: (at: number) => number; y: number }): string {
  const { kind, target, injectedAt, healedAt, recoveryMs } = fault
  const from = x(injectedAt)
  const width = Math.max(1.5, x(healedAt + (recoveryMs ?? 0)) - from)
  const title = `${fault.number}. ${kind} ${target}: ${recoveryMs === null ? 'never recovered' : `recovered in ${recoveryMs} ms`}`
  return `<rect class="${recoveryMs === null ? 'bad' : 'fault'}" x="${from.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="7"><title>${escaped(title)}</title></rect>`
}

function axis(start: number, end: number, x: (at: number) => number): readonly string[] {
  const minutes = (end - start) / 60_000
  const step = [0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((candidate) => minutes / candidate <= 12) ?? 240
  return Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) =>
    text(x(start + index * step * 60_000), FRAME.bottom + 30, `${index * step} min`),
  )
}
