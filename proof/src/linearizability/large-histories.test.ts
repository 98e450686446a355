import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkLinearizable } from './check-linearizable.ts'
import type { Operation } from './model.ts'
import { type StockAnswer, type StockCall, type StockState, stockModel } from './stock-model.ts'

type StockOperation = Operation<StockCall, StockAnswer>

/** Numbers from 0 to 1, the same each time (mulberry32). */
function randomOf(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const END = Number.POSITIVE_INFINITY
const FILLED: StockOperation = {
  call: { type: 'set', quantity: 1_000, overwrite: true },
  answer: 'set',
  from: -1_000,
  to: -999,
}

function pickCall(random: () => number): StockCall {
  const quantity = 1 + Math.floor(random() * 3)
  const pick = random()
  if (pick < 0.3) return { type: 'read' }
  if (pick < 0.6) return { type: 'hold', quantity }
  return pick < 0.8 ? { type: 'commit', quantity } : { type: 'adjust', quantity: quantity - 2 || 5 }
}

function answerOf({ type }: StockCall, before: StockState, after: StockState): StockAnswer | undefined {
  if (type === 'commit' || after === 'none') return undefined
  if (type === 'hold') return after === before ? 'rejected' : 'held'
  return type === 'adjust' && after === before ? 'below-reserved' : after
}

/** A shelf that many use at once, each call with its effect somewhere between its start and its end; one in forty is never answered. */
function recordShelf(options: { calls: number; atOnce: number; seed: number }): StockOperation[] {
  const random = randomOf(options.seed)
  const operations: StockOperation[] = [FILLED]
  let state: StockState = { onHand: 1_000, reserved: 0 }
  for (let at = 0; operations.length < options.calls; at += 10) {
    const call = pickCall(random)
    const after = stockModel.step(state, call, undefined)
    if (after === undefined) continue
    const answer = random() < 0.025 ? undefined : answerOf(call, state, after)
    const [from, to] = [at - random() * options.atOnce * 5, at + random() * options.atOnce * 5]
    operations.push(answer === undefined ? { call, from, to: END } : { call, answer, from, to })
    state = after
  }
  return operations
}

describe('thousands of calls on one key', () => {
  for (const [calls, atOnce] of [
    [2_000, 4],
    [5_000, 16],
    [10_000, 8],
  ] as const)
    test(`${calls} calls, about ${atOnce} at once: decided within seconds`, () => {
      const operations = recordShelf({ calls, atOnce, seed: calls })
      const startedAt = performance.now()
      assert.equal(checkLinearizable(stockModel, operations).kind, 'linearizable')
      assert.ok(performance.now() - startedAt < 20_000)
    })

  test('one impossible answer in the middle of 5000 is found, or it is said that it was not decided; it never hangs', () => {
    const operations = recordShelf({ calls: 5_000, atOnce: 8, seed: 7 })
    const at = operations.findIndex(({ call, answer }, index) => index > 2_500 && call.type === 'read' && answer)
    const spoiled = operations.map((operation, index) =>
      index === at ? { ...operation, answer: { onHand: 77_777, reserved: 0 } } : operation,
    )
    const startedAt = performance.now()
    assert.notEqual(checkLinearizable(stockModel, spoiled, { budget: 200_000 }).kind, 'linearizable')
    assert.ok(performance.now() - startedAt < 20_000)
  })

  test('hundreds of equal buyers whose end nobody knows are no burden', () => {
    const buyers = Array.from({ length: 400 }, (_, from): StockOperation[] => [
      { call: { type: 'hold', quantity: 1 }, answer: 'held', from, to: 1_000 + from },
      { call: { type: 'commit', quantity: 1 }, from, to: END },
    ]).flat()
    const shelf: StockOperation = {
      call: { type: 'set', quantity: 400, overwrite: true },
      answer: 'set',
      from: -2,
      to: -1,
    }
    const sold: StockOperation = { call: { type: 'read' }, answer: { onHand: 0, reserved: 0 }, from: 2_000, to: 2_001 }
    assert.equal(checkLinearizable(stockModel, [shelf, ...buyers, sold]).kind, 'linearizable')
    const one = { call: { type: 'hold', quantity: 1 }, answer: 'held', from: 500, to: 1_500 } as const
    assert.equal(checkLinearizable(stockModel, [shelf, ...buyers, one, sold]).kind, 'impossible')
  })

  test('ten thousand buyers who look only at the end how it went, with somebody who counts: decided within seconds', () => {
    const random = randomOf(11)
    const end = 1_000_000
    const pieces = 20_000
    const operations: StockOperation[] = [
      { call: { type: 'set', quantity: pieces, overwrite: true }, answer: 'set', from: -2, to: -1 },
    ]
    const turns: { at: number; onHand: number; reserved: number }[] = []
    for (let buyer = 0; buyer < 10_000; buyer++) {
      const quantity = 1 + Math.floor(random() * 2)
      const [from, held] = [buyer * 10, buyer * 10 + random() * 100]
      turns.push({ at: held, onHand: 0, reserved: quantity })
      turns.push({ at: held + random() * 200, onHand: -quantity, reserved: -quantity })
      operations.push({ call: { type: 'hold', quantity }, answer: 'held', from, to: end + buyer })
      operations.push({ call: { type: 'commit', quantity }, from, to: END })
    }
    let level = { onHand: pieces, reserved: 0 }
    for (const [turn, { at, onHand, reserved }] of turns.sort((a, b) => a.at - b.at).entries()) {
      level = { onHand: level.onHand + onHand, reserved: level.reserved + reserved }
      if (turn % 10 === 0) operations.push({ call: { type: 'read' }, answer: level, from: at, to: at })
    }
    const startedAt = performance.now()
    assert.equal(checkLinearizable(stockModel, operations).kind, 'linearizable')
    assert.ok(performance.now() - startedAt < 20_000)
  })

  test('calls that were lost and never happened do not lead the search astray', () => {
    const operations: StockOperation[] = [
      { call: { type: 'set', quantity: 90, overwrite: true }, answer: 'set', from: -2, to: -1 },
    ]
    const buyers = 60
    for (let buyer = 0; buyer < buyers; buyer++) {
      const from = buyer * 10
      operations.push({ call: { type: 'hold', quantity: 1 }, answer: 'held', from, to: 5_000 + buyer })
      operations.push({ call: { type: 'commit', quantity: 1 }, from, to: END })
      if (buyer >= 20 && buyer < 32) operations.push({ call: { type: 'adjust', quantity: -1 }, from, to: END })
      const level = { onHand: 90 - Math.max(0, buyer - 4), reserved: Math.min(5, buyer + 1) }
      if (buyer % 12 === 0) operations.push({ call: { type: 'read' }, answer: level, from: from + 8, to: from + 9 })
    }
    const sold = { onHand: 90 - buyers, reserved: 0 }
    operations.push({ call: { type: 'read' }, answer: sold, from: 6_000, to: 6_001 })
    assert.equal(checkLinearizable(stockModel, operations, { budget: 20_000 }).kind, 'linearizable')
  })

  test('a budget that is used up is said', () => {
    const operations = recordShelf({ calls: 500, atOnce: 8, seed: 3 })
    assert.deepEqual(checkLinearizable(stockModel, operations, { budget: 10 }), { kind: 'unknown', steps: 11 })
  })
})
