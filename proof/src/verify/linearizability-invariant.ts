import { checkLinearizable } from '../linearizability/check-linearizable.ts'
import { couponModel } from '../linearizability/coupon-model.ts'
import { keyModel } from '../linearizability/key-model.ts'
import type { Model, Operation } from '../linearizability/model.ts'
import { stockModel } from '../linearizability/stock-model.ts'
import type { Books } from './books.ts'
import { couponHistories } from './coupon-histories.ts'
import { type Finding, finding, notJudged } from './finding.ts'
import { keyHistories } from './key-histories.ts'
import type { History } from './read-history.ts'
import { stockHistories } from './stock-histories.ts'

const TITLE = 'stock, keys and coupons are linearizable, one at a time'

/** What was found about one key. */
interface Judged {
  readonly verdict: 'linearizable' | 'impossible' | 'unknown'
  readonly sentence: string
  readonly calls: number
}

/** I11: for each SKU, idempotency key and coupon there is one order of all calls that fits what every client was told, and when. */
export async function checkLinearizability(books: Books, history: History | undefined): Promise<Finding> {
  if (!history)
    return notJudged('I11', TITLE, 'not judged without --history: only clients know when they were told what')
  const stock = await stockHistories(books, history)
  const keys = keyHistories(history)
  const coupons = couponHistories(history)
  const judged = [
    ...stock.judged.map(({ sku, operations }) => judge(`SKU ${sku}`, stockModel, operations)),
    ...keys.map(({ key, operations }) => judge(`idempotency key ${key}`, keyModel, operations)),
    ...coupons.map(({ name, most, operations }) => judge(name, couponModel(most), operations)),
  ]
  const undecided = judged.filter(({ verdict }) => verdict === 'unknown')
  return finding('I11', TITLE, {
    counts: {
      ...{ skus: stock.judged.length, keys: keys.length, coupons: coupons.length },
      ...{ calls: judged.reduce((sum, { calls }) => sum + calls, 0), undecided: undecided.length },
    },
    violations: judged.filter(({ verdict }) => verdict === 'impossible').map(({ sentence }) => sentence),
    remarks: [...undecided.map(({ sentence }) => sentence), ...stock.remarks],
    isOpen: undecided.length > 0 || judged.length === 0,
  })
}

function judge<State, Call, Answer>(
  what: string,
  model: Model<State, Call, Answer>,
  operations: readonly Operation<Call, Answer>[],
): Judged {
  const found = checkLinearizable(model, operations)
  const calls = operations.length
  switch (found.kind) {
    case 'linearizable':
      return { verdict: found.kind, sentence: '', calls }
    case 'unknown':
      return { verdict: found.kind, calls, sentence: `${what}: not decided within ${found.steps} steps` }
    case 'impossible': {
      const { call, answer, from, to } = found.stuck
      const told = `${JSON.stringify(call)} was answered ${JSON.stringify(answer)}`
      const sentence = `${what}: no order of its ${calls} calls leaves a place for records ${from + 1} to ${to + 1}: ${told}`
      return { verdict: found.kind, calls, sentence }
    }
  }
}
