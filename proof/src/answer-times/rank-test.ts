/** What a rank test says of two samples. */
export interface Ranks {
  /** How likely one of the first is greater than one of the second: 0.5 tells nothing, 0 and 1 tell everything. */
  readonly auc: number
  /** How far chance alone takes it from 0.5, in 95 of 100 runs. */
  readonly chance: number
  /** How likely chance alone takes it as far as it is. */
  readonly p: number
}

/** Mann and Whitney, On a test of whether one of two random variables is stochastically larger than the other (1947), with the normal law. */
export function rankTest(first: readonly number[], second: readonly number[]): Ranks {
  const pairs = first.length * second.length
  const deviation = Math.sqrt((first.length + second.length + 1) / (12 * pairs))
  const auc = (rankSum(first, second) - (first.length * (first.length + 1)) / 2) / pairs
  return { auc, chance: 1.96 * deviation, p: bothTails(Math.abs(auc - 0.5) / deviation) }
}

/** Of the first among all, the smallest being 1; equals share their ranks. */
function rankSum(first: readonly number[], second: readonly number[]): number {
  const all = [...first, ...second].toSorted((a, b) => a - b)
  const rankOf = (value: number) => (all.indexOf(value) + all.lastIndexOf(value)) / 2 + 1
  return first.reduce((sum, value) => sum + rankOf(value), 0)
}

/** Beyond z on either side of the normal law: Abramowitz and Stegun, 7.1.26, right to 1e-7. */
function bothTails(z: number): number {
  const x = z / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const terms = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
  return terms.reduce((sum, term, index) => sum + term * t ** (index + 1), 0) * Math.exp(-x * x)
}
