import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bruteForce } from './brute-force.ts'
import { checkLinearizable } from './check-linearizable.ts'
import type { Model, Operation } from './model.ts'
import { stockModel } from './stock-model.ts'

type Call = { type: 'write'; value: number } | { type: 'read' } | { type: 'swap'; from: number; to: number }
type Answer = number | 'done' | 'no'

const register: Model<number, Call, Answer> = {
  initial: 0,
  onlyLooks: ({ type }, answer) => type === 'read' || answer === 'no',
  nameOf: String,
  step: (state, call, answer) => {
    if (call.type === 'read') return answer === undefined || answer === state ? state : undefined
    if (call.type === 'write') return call.value
    const swaps = state === call.from
    return answer === undefined || (answer === 'done') === swaps ? (swaps ? call.to : state) : undefined
  },
}

const write = (value: number, from: number, to: number): Operation<Call, Answer> => ({
  ...{ call: { type: 'write', value }, answer: 'done', from, to },
})
const read = (value: number, from: number, to: number): Operation<Call, Answer> => ({
  ...{ call: { type: 'read' }, answer: value, from, to },
})
const lost = (call: Call, from: number): Operation<Call, Answer> => ({ call, from, to: Number.POSITIVE_INFINITY })
const verdict = (operations: readonly Operation<Call, Answer>[]) => checkLinearizable(register, operations).kind

describe('histories of a register', () => {
  const good: Record<string, readonly Operation<Call, Answer>[]> = {
    'nothing at all': [],
    'one after the other': [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)],
    'a read during a write may see the old value': [write(1, 0, 9), read(0, 1, 2)],
    'a read during a write may see the new value, and then the old one is gone': [
      ...[write(1, 0, 9), read(0, 1, 2), read(1, 3, 4), read(1, 5, 6)],
    ],
    'two writes at once, in either order': [write(1, 0, 9), write(2, 1, 8), read(1, 10, 11)],
    'a lost write took effect late': [lost({ type: 'write', value: 1 }, 0), read(0, 1, 2), read(1, 3, 4)],
    'a lost write never took effect': [lost({ type: 'write', value: 1 }, 0), read(0, 1, 2), read(0, 3, 4)],
    'a lost swap explains a later one': [
      lost({ type: 'swap', from: 0, to: 1 }, 0),
      { call: { type: 'swap', from: 1, to: 2 }, answer: 'done', from: 1, to: 2 },
      read(2, 3, 4),
    ],
    'three readers that must agree on one order of two writes': [
      ...[write(1, 0, 20), write(2, 1, 19), read(1, 2, 3), read(2, 4, 5), read(2, 6, 7)],
    ],
  }
  for (const [what, operations] of Object.entries(good))
    test(`possible: ${what}`, () => assert.equal(verdict(operations), 'linearizable'))

  const bad: Record<string, readonly Operation<Call, Answer>[]> = {
    'a value that nobody wrote': [read(1, 0, 1)],
    'a read after a write that misses it': [write(1, 0, 1), read(0, 2, 3)],
    'time runs backwards between two readers': [write(1, 0, 9), read(1, 1, 2), read(0, 3, 4)],
    'two readers see two writes in two orders': [
      ...[write(1, 0, 20), write(2, 1, 19), read(1, 2, 5), read(2, 6, 9), read(1, 10, 11)],
    ],
    'a lost write takes effect before it began': [read(1, 0, 1), lost({ type: 'write', value: 1 }, 2)],
    'one lost write takes effect twice': [
      ...[lost({ type: 'write', value: 1 }, 0), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)],
    ],
    'two swaps of the same value both succeed': [
      { call: { type: 'swap', from: 0, to: 1 }, answer: 'done', from: 0, to: 5 },
      { call: { type: 'swap', from: 0, to: 2 }, answer: 'done', from: 1, to: 6 },
    ],
  }
  for (const [what, operations] of Object.entries(bad))
    test(`impossible: ${what}`, () => assert.equal(verdict(operations), 'impossible'))

  test('the call that has no place is named', () => {
    const late = read(0, 2, 3)
    const found = checkLinearizable(register, [write(1, 0, 1), late])
    assert.deepEqual(found.kind === 'impossible' && found.stuck, late)
  })
})

describe('against every order there is', () => {
  const call = fc.oneof(
    fc.record({ type: fc.constant('write' as const), value: fc.nat(2) }),
    fc.constant({ type: 'read' as const }),
    fc.record({ type: fc.constant('swap' as const), from: fc.nat(2), to: fc.nat(2) }),
  )
  const answerTo = ({ type }: Call): fc.Arbitrary<Answer> =>
    type === 'read' ? fc.nat(2) : type === 'write' ? fc.constant('done') : fc.constantFrom('done', 'no')
  const operation = fc
    .record({ call, from: fc.nat(12), length: fc.nat(8), isLost: fc.boolean() })
    .chain(({ call, from, length, isLost }) =>
      isLost
        ? fc.constant(lost(call, from))
        : answerTo(call).map((answer): Operation<Call, Answer> => ({ call, answer, from, to: from + length })),
    )

  test('the same verdict on small histories of a register', () => {
    const verdicts = new Set<string>()
    const property = fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (operations) => {
      const found = verdict(operations)
      verdicts.add(found)
      assert.equal(found === 'linearizable', bruteForce(register, operations))
    })
    fc.assert(property, { numRuns: 10_000 })
    assert.deepEqual([...verdicts].sort(), ['impossible', 'linearizable'])
  })

  const quantity = fc.integer({ min: 1, max: 2 })
  const stockOperation = fc
    .record({
      call: fc.oneof(
        fc.record({ type: fc.constant('set' as const), quantity: fc.nat(3), overwrite: fc.boolean() }),
        fc.record({ type: fc.constant('adjust' as const), quantity: fc.constantFrom(-1, 1) }),
        fc.constant({ type: 'read' as const }),
        fc.record({ type: fc.constantFrom('hold' as const, 'commit' as const, 'release' as const), quantity }),
      ),
      ...{ from: fc.nat(8), length: fc.nat(8), isLost: fc.boolean() },
    })
    .chain(({ call, from, length, isLost }) => {
      const answers = {
        set: fc.constantFrom('set' as const, 'unchanged' as const, 'below-reserved' as const),
        adjust: fc.record({ onHand: fc.nat(3), reserved: fc.nat(1) }),
        read: fc.record({ onHand: fc.nat(3), reserved: fc.nat(1) }),
        hold: fc.constantFrom('held' as const, 'rejected' as const),
      }
      const open = fc.constant({ call, from, to: Number.POSITIVE_INFINITY })
      if (isLost || call.type === 'commit' || call.type === 'release') return open
      return answers[call.type].map((answer) => ({ call, answer, from, to: from + length }))
    })

  test('the same verdict on small histories of a shelf', () => {
    const verdicts = new Set<string>()
    const property = fc.property(fc.array(stockOperation, { minLength: 1, maxLength: 6 }), (operations) => {
      const found = checkLinearizable(stockModel, operations).kind
      verdicts.add(found)
      assert.equal(found === 'linearizable', bruteForce(stockModel, operations))
    })
    fc.assert(property, { numRuns: 10_000 })
    assert.deepEqual([...verdicts].sort(), ['impossible', 'linearizable'])
  })
})
