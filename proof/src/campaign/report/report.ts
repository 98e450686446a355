import type { CheckRecord, JournalContent, Settings } from '../journal.ts'
import { groupBy } from '../statistics.ts'
import { summarise } from '../summary.ts'
import { recoveryPlot } from './recovery-plot.ts'
import { escaped } from './svg.ts'
import { timeline } from './timeline.ts'

const STYLE = `
  :root { color-scheme: light dark; --line: light-dark(#ddd, #444); --good: light-dark(#176b32, #6fd08c); --bad: light-dark(#b3261e, #ff8a80); --ink: light-dark(#2457a6, #8ab4f8) }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 1140px; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
  table { border-collapse: collapse; width: 100%; font-size: 13px } th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
  .good { color: var(--good) } .bad { color: var(--bad); fill: var(--bad) }
  svg { width: 100%; height: auto } svg text { font-size: 11px; fill: currentColor }
  .curve { fill: none; stroke: var(--ink); stroke-width: 1.5 } .fault { fill: var(--ink); opacity: .55 } .dot { fill: var(--ink); opacity: .45 }
  .p95 { stroke: var(--bad); stroke-width: 2 } .limit { stroke: var(--line); stroke-dasharray: 4 3 }`

/** The whole report as one HTML page that needs nothing else. */
export function htmlReport(settings: Settings, content: JournalContent): string {
  const summary = summarise(content)
  const held = summary.violations.length === 0
  const { recovery } = summary
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>MicroMart campaign ${escaped(settings.seed)}</title><style>${STYLE}</style></head><body>
<h1>Campaign ${escaped(settings.seed)}: <span class="${held ? 'good' : 'bad'}">${held ? 'every invariant held' : `${summary.violations.length} violations`}</span></h1>
<p>${summary.faults} faults of ${summary.kinds.length} kinds over ${summary.checkouts} checkouts, up to ${settings.atOnce} at once, on ${settings.instances} processes of each service.
${held ? `With no violation, the rate is below ${(summary.rateBelow * 100).toFixed(3)} % per fault (95 % confidence, rule of three).` : ''}
Recovery: p50 ${recovery.p50} ms, p95 ${recovery.p95} ms, p99 ${recovery.p99} ms, longest ${recovery.most} ms${summary.never > 0 ? `, <span class="bad">never ${summary.never}</span>` : ''}. On average ${summary.machineLoad} processes wanted each core of the machine${summary.machineLoad > 1 ? ': it was too busy for these times to mean much' : ''}.</p>
${held ? '' : list(summary.violations)}
<h2>Faults and confirmed orders</h2>${timeline(content.seconds, content.faults)}
<h2>Recovery</h2><p>From the healing (for kills from the fault, because the supervisor heals) until the processes hurt take requests and a purchase begun afterwards is confirmed.
Faults that came together share that purchase. Those that came with a fault that hits everybody are left out here.</p>
${recoveryPlot(summary.kinds, content.faults)}
${table(
  ['kind', '#faults', '#p50 ms', '#p95 ms', '#p99 ms', '#longest ms', '#never'],
  summary.kinds.map((kind) => [
    kind.kind,
    ...[kind.faults, kind.recovery.p50, kind.recovery.p95, kind.recovery.p99, kind.recovery.most, kind.never].map(
      String,
    ),
  ]),
)}
<h2>Invariants</h2>${invariants(content.checks)}
<h2>Every fault</h2>${table(
    ['#no.', 'kind', 'target', 'what it did', 'at', '#lasted ms', '#recovery ms'],
    content.faults.map((fault) => [
      String(fault.number),
      fault.kind,
      fault.target,
      fault.did,
      new Date(fault.injectedAt).toISOString().slice(11, 23),
      String(Math.max(0, fault.healedAt - fault.injectedAt)),
      fault.recoveryMs === null ? 'never' : String(fault.recoveryMs),
    ]),
  )}
</body></html>
`
}

function invariants(checks: readonly CheckRecord[]): string {
  const rows = [...groupBy(checks, ({ invariant, title }) => `${invariant} ${title}`)].map(([, records]) => {
    const last = records.at(-1)
    const violations = records.flatMap((record) => record.violations)
    const counts = Object.entries(last?.counts ?? {}).filter(([name]) => name !== 'violations')
    return [
      last?.invariant ?? '',
      last?.title ?? '',
      String(records.length),
      counts.map(([name, count]) => `${name} ${count}`).join(', '),
      String(violations.length),
    ]
  })
  return table(['invariant', 'title', '#checked', 'on, the last time', '#violations'], rows)
}

const list = (items: readonly string[]) => `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`

/** Columns whose heading begins with # are numbers. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const classOf = (index: number) => (heads[index]?.startsWith('#') ? ' class="n"' : '')
  const cells = (tag: 'td' | 'th', row: readonly string[]) =>
    row.map((cell, index) => `<${tag}${classOf(index)}>${escaped(cell)}</${tag}>`).join('')
  const head = cells(
    'th',
    heads.map((name) => name.replace(/^#/, '')),
  )
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody></table>`
}
