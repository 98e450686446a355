import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HistoryCall, HistoryOutcome, HistoryRecord } from '../history.ts'
import type { Books } from './books.ts'
import { checkLinearizability } from './linearizability-invariant.ts'
import { historyOf } from './read-history.ts'

/** One after the other, unless a call is left open. */
const inTurn = (...calls: readonly (readonly [HistoryCall, HistoryOutcome] | readonly [HistoryCall])[]) =>
  historyOf(
    calls.flatMap(([call, outcome], process): readonly HistoryRecord[] => [
      { process, at: 0, type: 'invoke', ...call },
      ...(outcome ? [{ process, at: 0, op: call.op, key: call.key, ...outcome }] : []),
    ]),
  )

/** A shop that has accepted these orders, each of one cart of the same name. */
const booksOf = (orders: Readonly<Record<string, number>> = {}): Books => ({
  read: async <Row>() =>
    Object.entries(orders).map(([id, quantity]) => ({
      ...{ order_id: id, cart_id: id },
      lines: [{ sku: 'A', quantity }],
    })) as unknown as readonly Row[],
  close: async () => {},
})

const counted = [
  { op: 'stock-set', key: 'A', quantity: 3, overwrite: true },
  { type: 'ok', outcome: 'set' },
] as const
const looked = (onHand: number, reserved = 0) =>
  [
    { op: 'stock-read', key: 'A' },
    { type: 'ok', onHand, reserved },
  ] as const
const adjusted = (quantity: number, outcome: HistoryOutcome) =>
  [{ op: 'stock-adjust', key: 'A', quantity, reason: 'r' }, outcome] as const
const checkout = (cart: string, outcome: HistoryOutcome, more: object = {}) =>
  [{ op: 'checkout', key: 'k', cart, request: 'r', ...more }, outcome] as const
const accepted = (cart: string, more: object = {}) => checkout(cart, { type: 'ok', orderId: cart, body: cart }, more)
const ended = (orderId: string, state: string, reason: string | null = null) =>
  [
    { op: 'order-read', key: orderId },
    { type: 'ok', state, reason },
  ] as const
const REFUSED = { type: 'fail', code: 'inventory.below-reserved' } as const

const stateOf = async (history: ReturnType<typeof inTurn>, orders: Readonly<Record<string, number>> = {}) =>
  (await checkLinearizability(booksOf(orders), history)).state

describe('I11: a shelf', () => {
  const cases = [
    [
      'counted, adjusted and looked at',
      'ok',
      inTurn(counted, adjusted(-1, { type: 'ok', onHand: 2, reserved: 0 }), looked(2)),
      {},
    ],
    [
      'an adjustment that nobody heard of, seen later',
      'ok',
      inTurn(counted, adjusted(4, { type: 'info' }), looked(3), looked(7)),
      {},
    ],
    [
      'an adjustment that nobody heard of, seen and then not any more',
      'violated',
      inTurn(counted, adjusted(4, { type: 'info' }), looked(7), looked(3)),
      {},
    ],
    [
      'an acknowledged adjustment that is not seen',
      'violated',
      inTurn(counted, adjusted(-1, { type: 'ok', onHand: 2, reserved: 0 }), looked(3)),
      {},
    ],
    ['refused although there was enough', 'violated', inTurn(counted, adjusted(-1, REFUSED)), {}],
    [
      'turned away at the door, which says nothing',
      'ok',
      inTurn(counted, adjusted(-1, { type: 'fail', code: 'auth.required' })),
      {},
    ],
    [
      'two orders for two of three pieces, both confirmed',
      'violated',
      inTurn(counted, accepted('x'), accepted('y'), ended('x', 'confirmed'), ended('y', 'confirmed')),
      { x: 2, y: 2 },
    ],
    [
      'two orders for two of three pieces, one confirmed',
      'ok',
      inTurn(counted, accepted('x'), accepted('y'), ended('x', 'confirmed'), ended('y', 'cancelled', 'out-of-stock')),
      { x: 2, y: 2 },
    ],
    [
      'out of stock although there was enough',
      'violated',
      inTurn(counted, accepted('y'), ended('y', 'cancelled', 'out-of-stock')),
      { y: 3 },
    ],
    [
      'a confirmed order, held, sold and given back',
      'ok',
      inTurn(
        counted,
        accepted('x'),
        ended('x', 'confirmed'),
        looked(3, 2),
        looked(1),
        ended('x', 'refunded'),
        looked(3),
      ),
      { x: 2 },
    ],
    [
      'an order whose payment failed had its pieces for a while',
      'ok',
      inTurn(counted, accepted('x'), looked(3, 2), ended('x', 'cancelled', 'payment-declined'), looked(3)),
      { x: 2 },
    ],
    [
      'an order whose payment failed for pieces that are not there',
      'violated',
      inTurn(counted, accepted('x'), ended('x', 'cancelled', 'payment-declined')),
      { x: 4 },
    ],
    [
      'a confirmed order that never left the shelf',
      'violated',
      inTurn(counted, accepted('x'), ended('x', 'confirmed'), looked(3)),
      { x: 2 },
    ],
    ['bought by somebody whose history nobody has', 'not judged', inTurn(counted, looked(0)), { stranger: 2 }],
  ] as const
  for (const [what, state, history, orders] of cases)
    test(`${what}: ${state}`, async () => assert.equal(await stateOf(history, orders), state))
})

describe('I11: an idempotency key', () => {
  const told = (body: string, request = 'r') => checkout('c', { type: 'ok', orderId: 'o', body }, { request })
  const refused = (code: string, request = 'r') => checkout('c', { type: 'fail', code }, { request })
  const lost = checkout('c', { type: 'info' })
  const cases = [
    ['the same answer twice, after one that nobody heard', 'ok', inTurn(lost, told('1'), told('1'))],
    ['two answers', 'violated', inTurn(told('1'), told('2'))],
    ['another request is refused', 'ok', inTurn(told('1'), refused('idempotency.key-reused', 'other'))],
    ['another request is accepted', 'violated', inTurn(told('1'), told('1', 'other'))],
    ['refused as another request, which nobody has made', 'violated', inTurn(refused('idempotency.key-reused'))],
    ['a refusal leaves the key free', 'ok', inTurn(refused('cart.empty'), told('1'))],
    ['accepted, and refused after that', 'violated', inTurn(told('1'), refused('cart.checked-out'))],
    ['turned away while the first one ran', 'ok', inTurn(told('1'), refused('idempotency.in-flight'))],
  ] as const
  for (const [what, state, history] of cases)
    test(`${what}: ${state}`, async () => assert.equal(await stateOf(history), state))
})

describe('I11: a coupon', () => {
  const made = (limits: object) => [{ op: 'coupon-make', key: 'TEN', ...limits }, { type: 'ok' }] as const
  const used = (cart: string, customer = cart) => accepted(cart, { coupon: 'TEN', customer })
  const usedUp = (cart: string, customer = cart) =>
    checkout(cart, { type: 'fail', code: 'cart.coupon-used-up' }, { coupon: 'TEN', customer })
  const usedBefore = (cart: string, customer: string) =>
    checkout(cart, { type: 'fail', code: 'cart.coupon-used-before' }, { coupon: 'TEN', customer })
  const lost = checkout('z', { type: 'info' }, { coupon: 'TEN', customer: 'z' })
  const once = made({ mostUses: 1 })
  const cases = [
    ['used once, then used up', 'ok', inTurn(once, used('x'), usedUp('y'))],
    ['used up before its first use', 'violated', inTurn(once, usedUp('y'), used('x'))],
    ['used up by a use that nobody heard of', 'ok', inTurn(once, lost, usedUp('y'))],
    ['never to be used, and accepted', 'violated', inTurn(made({ mostUses: 0 }), used('x'))],
    [
      'each customer once',
      'ok',
      inTurn(made({ mostUsesPerCustomer: 1 }), used('x', 'a'), used('y', 'b'), usedBefore('z', 'a')),
    ],
    [
      'refused to a customer who has not used it',
      'violated',
      inTurn(made({ mostUsesPerCustomer: 1 }), usedBefore('z', 'a')),
    ],
    ['without limits', 'ok', inTurn(made({}), used('x', 'a'), used('y', 'a'))],
  ] as const
  for (const [what, state, history] of cases)
    test(`${what}: ${state}`, async () => assert.equal(await stateOf(history), state))
})

test('without a history nothing is judged, and that is said', async () => {
  const { state, remarks } = await checkLinearizability(booksOf(), undefined)
  assert.equal(state, 'not judged')
  assert.match(remarks.join(), /--history/)
})
