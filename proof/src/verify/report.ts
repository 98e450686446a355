import { styleText } from 'node:util'
import type { Finding } from './finding.ts'

/** The findings for people: one line each with its counts, violations below. */
export const report = (findings: readonly Finding[]): string =>
  findings
    .flatMap(({ invariant, title, counts, violations }) => {
      const good = violations.length === 0
      const numbers = Object.entries(counts)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')
      const verdict = styleText(good ? 'green' : 'red', good ? 'pass' : 'FAIL', { stream: process.stdout })
      return [`${verdict}  ${invariant}  ${title} (${numbers})`, ...violations.map((sentence) => `      ${sentence}`)]
    })
    .join('\n')
