/** Wrong codes in a row that cost nothing: somebody mistyped. */
const FREE_FAILURES = 4
const FIRST_WAIT_MS = 60_000
const LONGEST_WAIT_MS = 3_600_000

/**
 * How long an account takes no code after so many wrong ones in a row, in ms: from the fifth on a minute, doubled each time up to an hour.
 * Somebody who has the password gets 24 guesses a day at codes of which three in a million are right.
 */
export const waitAfterFailures = (failures: number): number =>
  failures <= FREE_FAILURES ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - FREE_FAILURES - 1))
