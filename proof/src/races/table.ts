import { styleText } from 'node:util'
import type { Race } from './race.ts'
import { isHeld, type RaceResult } from './run-races.ts'

const MOST_SENTENCES = 10
const NAME = 22

/** The results for people: a line each, and under it what did not hold. */
export function table(results: readonly RaceResult[]): string {
  const head = `${'scenario'.padEnd(NAME)}${'tries'.padStart(6)}${'held'.padStart(6)}${'seconds'.padStart(9)}  what was counted`
  return [head, ...results.flatMap(linesOf)].join('\n')
}

function linesOf(result: RaceResult): readonly string[] {
  if ('skipped' in result) return [`${result.name.padEnd(NAME)}skipped: ${result.skipped}`]
  const { name, tries, held, seconds, counts, longestMs, broken } = result
  const numbers = [
    ...Object.entries(counts).map(([what, count]) => `${what} ${count}`),
    ...Object.entries(longestMs).map(([what, ms]) => `longest ${what} ${ms} ms`),
  ]
  const shown = styleText(isHeld(result) ? 'green' : 'red', String(held).padStart(6), { stream: process.stdout })
  return [
    `${name.padEnd(NAME)}${String(tries).padStart(6)}${shown}${seconds.toFixed(1).padStart(9)}  ${numbers.join(', ')}`,
    ...broken.slice(0, MOST_SENTENCES).map((sentence) => `      ${sentence}`),
    ...(broken.length > MOST_SENTENCES ? [`      and ${broken.length - MOST_SENTENCES} more`] : []),
  ]
}

/** What is said as soon as a race is over. */
export const progressOf = (result: RaceResult): string =>
  'skipped' in result
    ? `${result.name}: skipped, ${result.skipped}`
    : `${result.name}: ${result.held} of ${result.tries} held (${result.seconds} s)`

/** What each race is about. */
export const list = (races: readonly Race[]): string =>
  races
    .map(({ name, fault, done, holds, rounds, shop }) =>
      [
        `${name} (${rounds} rounds${shop === 'any' ? '' : ', in a shop of its own only'})`,
        `  reported:  ${fault}`,
        `  done:      ${done}`,
        `  must hold: ${holds}`,
      ].join('\n'),
    )
    .join('\n')
