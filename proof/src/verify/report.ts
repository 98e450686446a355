import { styleText } from 'node:util'
import type { Finding } from './finding.ts'

const pictures = {
  ok: { picture: '✓', colour: 'green' },
  violated: { picture: '✗', colour: 'red' },
  'not judged': { picture: '–', colour: 'yellow' },
} as const

/** The findings for people: one line each with its counts; violations, remarks and hashes below. */
export const report = (findings: readonly Finding[]): string =>
  [...findings.flatMap(rowsOf), '', summaryOf(findings)].join('\n')

function rowsOf({ invariant, title, state, counts, violations, remarks, hashes }: Finding): readonly string[] {
  const { picture, colour } = pictures[state]
  const verdict = styleText(colour, `${picture} ${state.padEnd(10)}`, { stream: process.stdout })
  const numbers = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  const detail = numbers.length > 0 ? ` (${numbers.join(', ')})` : ''
  return [
    `${verdict}  ${invariant.padEnd(3)}  ${title}${detail}`,
    ...[...violations, ...remarks, ...hashLines(hashes ?? {})].map((sentence) => `${' '.repeat(19)}${sentence}`),
  ]
}

const hashLines = (hashes: NonNullable<Finding['hashes']>) =>
  Object.entries(hashes).map(([service, { replayed, stored }]) =>
    replayed === stored
      ? `${service}: ${stored}, replayed and stored`
      : `${service}: ${replayed} replayed, but ${stored} stored`,
  )

function summaryOf(findings: readonly Finding[]): string {
  const count = (state: Finding['state']) => findings.filter((found) => found.state === state).length
  return `${count('ok')} ok, ${count('violated')} violated, ${count('not judged')} not judged`
}
