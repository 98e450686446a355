import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { runBuyers } from '@micromart/proof/buyers'
import { runProgram } from '@micromart/proof/program'
import { openShopkeeper } from '@micromart/proof/shopkeeper'
import { createShopper } from '@micromart/proof/shopper'

const CHECKOUTS = 200
/** The blow falls when so many of them are accepted, while the others run. */
const BLOW_AT = 60
/** Fewer than the buyers who want one. */
const MOST_COUPON_USES = 40
const PIECES = [20, 60, 60, 90, 90, 120]

/** What the checker, a program of its own, has to say about the books of a data directory. */
export interface Verdict {
  readonly ok: boolean
  readonly findings: readonly { invariant: string; counts: Record<string, number>; violations: readonly string[] }[]
}

/**
 * Two hundred checkouts, a blow in their middle, and then the checker on what is left: I1 to I6 must hold,
 * and nothing that a client was told may be missing.
 */
export async function besiege(target: {
  readonly url: string
  readonly dataDir: string
  readonly name: string
  readonly blow: () => Promise<unknown>
}): Promise<Verdict> {
  const shopper = createShopper(target.url, { connections: 16, timeoutMs: 10_000 })
  const keeper = await openShopkeeper(shopper)
  const skus = await Promise.all(PIECES.map((pieces) => keeper.stocked(pieces)))
  const coupon = await keeper.coupon({ kind: 'percent', percent: 7, mostUses: MOST_COUPON_USES })
  const historyFile = join(target.dataDir, `history-${target.name}.ndjson`)
  let told = 0
  let blow: Promise<unknown> | undefined
  const answers = await runBuyers({
    shopper,
    skus,
    coupon,
    count: CHECKOUTS,
    atOnce: 16,
    patienceMs: 60_000,
    history: (record) => {
      appendFileSync(historyFile, `${JSON.stringify(record)}\n`)
      told += record.type === 'ok' ? 1 : 0
      if (told >= BLOW_AT) blow ??= target.blow()
    },
  })
  assert.deepEqual(
    answers.filter(({ status }) => status !== 202),
    [],
  )
  await blow
  await shopper.close()
  return judge(target.dataDir, historyFile)
}

async function judge(dataDir: string, historyFile: string): Promise<Verdict> {
  const { code, output, lastLine } = await runProgram([
    ...['verify', '--data', dataDir, '--history', historyFile, '--settle', '60', '--json'],
  ])
  assert.ok(lastLine.startsWith('{'), output)
  const verdict = JSON.parse(lastLine) as Verdict
  assert.equal(code, verdict.ok ? 0 : 1)
  return verdict
}

/** All six invariants hold, on at least the checkouts of one siege. */
export function assertHolds({ findings }: Verdict): void {
  assert.deepEqual(
    findings.map(({ invariant, violations }) => ({ invariant, violations })),
    ['I1', 'I2', 'I3', 'I4', 'I5', 'I6'].map((invariant) => ({ invariant, violations: [] })),
  )
  const countOf = (invariant: string, what: string) =>
    findings.find((finding) => finding.invariant === invariant)?.counts[what] ?? 0
  const [checkouts, discounted] = [countOf('I3', 'checkouts'), countOf('I6', 'discounted')]
  assert.ok(checkouts >= CHECKOUTS, `${checkouts} checkouts`)
  assert.ok(discounted >= MOST_COUPON_USES, `${discounted} with a coupon`)
}
