import assert from 'node:assert/strict'
import { join } from 'node:path'
import { runBuyers } from '@micromart/proof/buyers'
import { type HistoryRecorder, recordHistory } from '@micromart/proof/history'
import { runProgram } from '@micromart/proof/program'
import { recordShopkeeper, recordShopper } from '@micromart/proof/recorded-shopper'
import { openShopkeeper, type Shopkeeper } from '@micromart/proof/shopkeeper'
import { createShopper, type Shopper } from '@micromart/proof/shopper'
import type { Finding } from '@micromart/proof/verify/finding'
import { invariantNames } from '@micromart/proof/verify/verify'

const CHECKOUTS = 200
/** The blow falls when so many of them are accepted, while the others run. */
const BLOW_AT = 60
/** Fewer than the buyers who want one. */
const MOST_COUPON_USES = 40
const PIECES = [20, 60, 60, 90, 90, 120]

/** What the checker, a program of its own, has to say about the books of a data directory. */
export interface Verdict {
  readonly ok: boolean
  readonly findings: readonly Finding[]
}

/**
 * Two hundred checkouts, staff who count meanwhile, a blow in their middle, and then the checker on what is left: I1 to I12 must hold, and
 * what the clients were told must fit.
 */
export async function besiege(target: {
  readonly url: string
  readonly dataDir: string
  readonly name: string
  readonly blow: () => Promise<unknown>
}): Promise<Verdict> {
  const shopper = createShopper(target.url, { connections: 16, timeoutMs: 10_000 })
  const keeper = await openShopkeeper(shopper)
  const historyFile = join(target.dataDir, `history-${target.name}.ndjson`)
  let told = 0
  let blow: Promise<unknown> | undefined
  const history = recordHistory({
    file: historyFile,
    onRecord: ({ type, op }) => {
      told += type === 'ok' && op === 'checkout' ? 1 : 0
      if (told >= BLOW_AT) blow ??= target.blow()
    },
  })
  const skus: string[] = []
  const recorded = recordShopkeeper(keeper, history)
  for (const pieces of PIECES) skus.push(await recorded.stocked(pieces))
  const coupon = await recorded.coupon({ kind: 'percent', percent: 7, mostUses: MOST_COUPON_USES })
  const staff = countMeanwhile({ shopper, keeper, history, skus })
  const answers = await runBuyers({
    shopper,
    skus,
    coupon,
    count: CHECKOUTS,
    atOnce: 16,
    patienceMs: 60_000,
    history,
  })
  await staff.close()
  assert.deepEqual(
    answers.filter(({ status }) => status !== 202),
    [],
  )
  await blow
  await shopper.close()
  await history.close()
  return judge(target.dataDir, historyFile)
}

const COUNT_EVERY_MS = 50

/** Somebody who looks at the shelves and puts a piece there or takes one, while the buyers buy. */
function countMeanwhile(shop: {
  readonly shopper: Shopper
  readonly keeper: Shopkeeper
  readonly history: HistoryRecorder
  readonly skus: readonly string[]
}) {
  const staff = recordShopkeeper(shop.keeper, shop.history)
  const watcher = recordShopper(shop.shopper, shop.history)
  let isOver = false
  const count = async () => {
    for (let turn = 0; !isOver; turn++) {
      const sku = shop.skus[turn % shop.skus.length] ?? ''
      await watcher.readStock(sku)
      if (turn % 3 === 0) await staff.adjust(sku, turn % 2 === 0 ? 1 : -1)
      await new Promise((resolve) => setTimeout(resolve, COUNT_EVERY_MS))
    }
  }
  const counting = count()
  return {
    close: () => {
      isOver = true
      return counting
    },
  }
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

/** All invariants hold, on at least the checkouts of one siege. */
export function assertHolds({ findings }: Verdict): void {
  assert.deepEqual(
    findings.map(({ invariant, state, violations }) => ({ invariant, state, violations })),
    invariantNames.map((invariant) => ({ invariant, state: 'ok', violations: [] })),
  )
  const countOf = (invariant: string, what: string) =>
    findings.find((finding) => finding.invariant === invariant)?.counts[what] ?? 0
  const [checkouts, discounted] = [countOf('I3', 'checkouts'), countOf('I6', 'discounted')]
  assert.ok(checkouts >= CHECKOUTS, `${checkouts} checkouts`)
  assert.ok(discounted >= MOST_COUPON_USES, `${discounted} with a coupon`)
}
