import type { Books } from './books.ts'
import { checkEnds, checkTotals, countUnfinished } from './checkout-invariants.ts'
import type { Finding } from './finding.ts'
import { checkIdempotency } from './idempotency-invariant.ts'
import { checkMessages } from './message-invariant.ts'
import { checkMoney } from './money-invariant.ts'
import { checkStock } from './stock-invariant.ts'

export interface VerifyOptions {
  /** How long to wait until nothing runs any more; what still runs then is a violation. */
  readonly settleMs: number
  readonly historyFile?: string
}

const ASK_EVERY_MS = 250

/** Checks the invariants I1 to I6 on the books of a shop, with statements and arithmetic of its own. */
export async function verify(books: Books, options: VerifyOptions): Promise<readonly Finding[]> {
  const deadline = Date.now() + options.settleMs
  const all = async () => [
    await checkStock(books),
    await checkMoney(books),
    await checkEnds(books),
    await checkIdempotency(books, options.historyFile),
    await checkMessages(books),
    await checkTotals(books),
  ]
  for (;;) {
    // the books are several databases: while orders run they cannot agree, so judge when they are quiet
    const quiet = (await countUnfinished(books)) === 0
    const findings = quiet || Date.now() >= deadline ? await all() : undefined
    if (findings && (Date.now() >= deadline || findings.every(({ violations }) => violations.length === 0)))
      return findings
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}
