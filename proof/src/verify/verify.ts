import { checkAcknowledged } from './acknowledged-invariant.ts'
import { checkAudit } from './audit-invariant.ts'
import type { Books } from './books.ts'
import { checkEnds, checkTotals, countUnfinished } from './checkout-invariants.ts'
import { checkConvergence } from './convergence-invariant.ts'
import { checkCoupons } from './coupon-invariant.ts'
import type { Finding } from './finding.ts'
import { checkIdempotency } from './idempotency-invariant.ts'
import { checkLinearizability } from './linearizability-invariant.ts'
import { checkMessages } from './message-invariant.ts'
import { checkMoney } from './money-invariant.ts'
import { type History, readHistory } from './read-history.ts'
import { checkReplay } from './replay-invariant.ts'
import { checkStock } from './stock-invariant.ts'

export interface VerifyOptions {
  /** How long to wait until nothing runs any more; what still runs then is a violation. */
  readonly settleMs: number
  readonly historyFile?: string
  /** Those to check, all by default. */
  readonly only?: readonly InvariantName[]
}

type Check = (books: Books, history: History | undefined) => Promise<Finding>

const checks = {
  I1: checkStock,
  I2: checkMoney,
  I3: checkEnds,
  I4: checkIdempotency,
  I5: checkMessages,
  I6: checkTotals,
  I7: checkReplay,
  I8: checkAudit,
  I9: checkCoupons,
  I10: checkAcknowledged,
  I11: checkLinearizability,
  I12: checkConvergence,
} satisfies Readonly<Record<string, Check>>

export type InvariantName = keyof typeof checks
export const invariantNames = Object.keys(checks) as readonly InvariantName[]

const ASK_EVERY_MS = 250

/** Each invariant's finding on the books as they are now. */
export async function findingsOf(
  books: Books,
  history: History | undefined,
  only: readonly InvariantName[] = invariantNames,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const name of only) findings.push(await checks[name](books, history))
  return findings
}

/** Checks the invariants I1 to I12 on the books of a shop, with statements and arithmetic of its own. @throws BadHistory */
export async function verify(books: Books, options: VerifyOptions): Promise<readonly Finding[]> {
  const history = options.historyFile === undefined ? undefined : await readHistory(options.historyFile)
  const deadline = Date.now() + options.settleMs
  for (;;) {
    // the books are several databases: while orders run they cannot agree, so judge when they are quiet
    const quiet = (await countUnfinished(books)) === 0
    const findings = quiet || Date.now() >= deadline ? await findingsOf(books, history, options.only) : undefined
    if (findings && (Date.now() >= deadline || findings.every(({ state }) => state !== 'violated'))) return findings
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}
