import { styleText } from 'node:util'
import { crashPoints } from '@micromart/telemetry/crash-points'
import { faults } from './arming.ts'
import type { MatrixResult } from './matrix.ts'
import type { Outcome } from './outcome.ts'
import { type Row, rowsOf, type Summary } from './summary.ts'

export interface Machine {
  readonly cores: number
  readonly node: string
  /** `2026-11-21`. */
  readonly date: string
  readonly minutes: number
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

const cellText = (outcome: Outcome | undefined): string => {
  if (!outcome) return '-'
  return outcome.recoveryMs === undefined ? outcome.verdict : `${outcome.verdict} ${seconds(outcome.recoveryMs)}`
}

const sentence = (summary: Summary): string =>
  [
    `${summary.points} points, ${summary.cells} faults: ${summary.held} held, ${summary.violated} violated, ${summary.notReached} not reached`,
    `(${summary.coverage.toFixed(1)} % covered); work came to its end ${seconds(summary.medianRecoveryMs)} after the fault`,
    `in the median, ${seconds(summary.longestRecoveryMs)} at most; ${summary.checkouts} checkouts in the books`,
  ].join(' ')

const complaintsOf = ({ outcomes, unclaimed }: MatrixResult): readonly string[] => [
  ...outcomes.flatMap(({ cell: { place, fault }, complaints }) =>
    complaints.map((complaint) => `${place.service} ${place.point} ${place.kind} ${fault}: ${complaint}`),
  ),
  ...unclaimed.map((complaint) => `the books: ${complaint}`),
]

/** For a terminal. */
export function textReport(result: MatrixResult, summary: Summary): string {
  const rows = rowsOf(result.outcomes)
  const width = Math.max(0, ...rows.map(({ service, point, kind }) => `${service} ${point} ${kind}`.length))
  const lineOf = ({ service, point, kind, outcomes: about }: Row) =>
    [`${service} ${point} ${kind}`.padEnd(width), ...faults.map((fault) => coloured(about[fault]))].join('  ')
  const head = [''.padEnd(width), ...faults.map((fault) => fault.padEnd(COLUMN))].join('  ').trimEnd()
  return [head, ...rows.map(lineOf), '', ...complaintsOf(result), sentence(summary)].join('\n')
}

const COLUMN = 16

function coloured(outcome: Outcome | undefined): string {
  const text = cellText(outcome).padEnd(COLUMN)
  const colour = outcome === undefined || outcome.verdict === 'held' ? 'green' : 'red'
  return styleText(colour, text, { stream: process.stdout })
}

/** For docs: a page of Markdown. */
export function markdownReport(result: MatrixResult, summary: Summary, machine: Machine): string {
  const tables = [...Map.groupBy(rowsOf(result.outcomes), ({ service }) => service)].flatMap(([service, rows]) => [
    `## ${service}`,
    '',
    `| Point | Work | ${faults.join(' | ')} |`,
    `|---|---|${faults.map(() => '---|').join('')}`,
    ...rows.map(
      ({ point, kind, outcomes: about }) =>
        `| ${point} | \`${kind}\` | ${faults.map((fault) => cellText(about[fault])).join(' | ')} |`,
    ),
    '',
  ])
  const complaints = complaintsOf(result)
  return [
    '# Crash matrix',
    '',
    `Written by \`npm run crash-matrix -- --report FILE\` on ${machine.date}, ${machine.cores} cores, Node ${machine.node}, in ${machine.minutes.toFixed(0)} minutes.`,
    `${sentence(summary)}.`,
    '',
    'Each cell: the fault happened at this point in the real process, and what became of it. The time runs from the fault until the work',
    'that it hit had ended, its own waiting (a time-out, a hold, a lease) included, and the process was there again.',
    '',
    ...(complaints.length === 0
      ? []
      : ['## What was wrong', '', ...complaints.map((complaint) => `- ${complaint}`), '']),
    '| Point | What is done there |',
    '|---|---|',
    ...Object.entries(crashPoints).map(([point, meaning]) => `| ${point} | ${meaning} |`),
    '',
    ...tables,
  ].join('\n')
}
