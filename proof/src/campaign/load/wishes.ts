import type { Random } from '../../random.ts'
import type { Wish } from './purchase.ts'

/** Most pay at once; the others make the shop work in every other way that the sandbox knows. */
const METHODS: readonly (readonly [percent: number, wish: Omit<Wish, 'skus'>])[] = [
  [58, { method: 'sandbox:success' }],
  [10, { method: 'sandbox:slow' }],
  [8, { method: 'sandbox:duplicate-webhook' }],
  [8, { method: 'sandbox:decline' }],
  [6, { method: 'sandbox:action', action: 'approve' }],
  [3, { method: 'sandbox:action', action: 'decline' }],
  [2, { method: 'sandbox:action', action: 'leave' }],
  [5, { method: 'sandbox:late' }],
]

/** What the next customer is up to. */
export function nextWish(random: Random, skus: readonly string[]): Wish {
  const first = random.pick(skus)
  const others = skus.filter((sku) => sku !== first)
  let rest = random.next() * 100
  const [, wish] = METHODS.find(([percent]) => {
    rest -= percent
    return rest < 0
  }) ?? [0, { method: 'sandbox:success' }]
  const again = random.chance(0.1) ? 'at-once' : random.chance(0.15) ? 'later' : undefined
  return {
    ...wish,
    skus: random.chance(0.5) && others.length > 0 ? [first, random.pick(others)] : [first],
    ...(again ? { again } : {}),
    ...(random.chance(0.06) ? { cancel: true } : {}),
  }
}
