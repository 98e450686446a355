import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRotation, type Outcome, type Policy } from './rotation.ts'

const policies: readonly Policy[] = ['least-pending', 'round-robin']

function setUp(instances: readonly string[], policy: Policy = 'least-pending', random?: () => number) {
  let nowMs = 0
  const rotation = createRotation({ instances, policy, now: () => nowMs, ...(random && { random }) })
  const choose = (tried: readonly string[] = [], mayRepeat = true) => rotation.choose(tried, mayRepeat)
  const ask = (outcome: Outcome, mayRepeat = true) => {
    const chosen = choose([], mayRepeat)
    assert.ok(chosen)
    rotation.outcome(chosen, outcome)
    return chosen
  }
  const many = (count: number, outcome: Outcome = 'answered') =>
    Array.from({ length: count }, () => ask(outcome)).join('')
  return {
    ...rotation,
    choose,
    ask,
    many,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('a share for each', () => {
  for (const policy of policies)
    test(`one after the other takes turns: ${policy}`, () => {
      assert.equal(setUp(['a', 'b', 'c'], policy).many(6), 'abcabc')
    })

  test('least-pending: who is slow gets less', () => {
    const { choose, many } = setUp(['slow', 'x', 'y'])
    assert.equal(choose(), 'slow')
    assert.equal(many(4), 'xyxy')
  })

  test('round-robin: who is slow gets the same', () => {
    const { choose, many } = setUp(['s', 'x', 'y'], 'round-robin')
    choose()
    assert.equal(many(5), 'xysxy')
  })

  test('of many, two are drawn, and the one with less to do gets it', () => {
    const instances = Array.from({ length: 20 }, (_, index) => String(index))
    const draws = [0, 0, 0, 0.999]
    const { choose } = setUp(instances, 'least-pending', () => draws.shift() ?? 0.5)
    assert.equal(choose(), '0') // 0 and 1 were drawn, both idle
    assert.equal(choose(), '19') // 0 is busy now
  })

  test('nobody is there', () => {
    assert.equal(setUp([]).choose(), undefined)
    assert.equal(setUp([]).choose(['a']), undefined)
  })
})

test('who was tried is chosen again only when there is no other', () => {
  const { choose } = setUp(['a', 'b'])
  assert.deepEqual([choose(['a']), choose(['a']), choose(['a', 'b'])], ['b', 'b', 'a'])
})

describe('who fails is left out', () => {
  test('after three failures in a row, not after three in all', () => {
    const { ask, count } = setUp(['a'])
    for (const outcome of ['failed', 'failed', 'answered', 'failed', 'failed'] as const) ask(outcome)
    assert.deepEqual(count(), { all: 1, ejected: 0 })
    ask('failed')
    assert.deepEqual(count(), { all: 1, ejected: 1 })
  })

  test('after one refused connection', () => {
    const { ask, many } = setUp(['a', 'b'])
    assert.equal(ask('refused'), 'a')
    assert.equal(many(4), 'bbbb')
  })

  test('who says goodbye, for five seconds', () => {
    const { ask, many, pass } = setUp(['a', 'b'])
    ask('goodbye')
    pass(4_999)
    assert.equal(many(3), 'bbb')
    pass(1)
    assert.equal(many(3), 'aba')
  })

  test('a client that goes away is nobody’s fault', () => {
    const { ask, count } = setUp(['a'])
    for (let turn = 0; turn < 10; turn += 1) ask('unknown')
    assert.deepEqual(count(), { all: 1, ejected: 0 })
  })

  test('comes back by a trial, alone, with pauses that double up to half a minute', () => {
    const { ask, choose, outcome, pass } = setUp(['a', 'b'])
    ask('refused')
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      pass(pauseMs - 1)
      assert.equal(ask('answered'), 'b', `still out before ${pauseMs} ms`)
      pass(1)
      assert.equal(choose(), 'a', `tried after ${pauseMs} ms`)
      assert.equal(ask('answered'), 'b', 'no second one while it is tried')
      outcome('a', 'failed')
    }
  })

  test('an answer to something older does not bring it back; ten answers make the next pause short', () => {
    const { choose, outcome, ask, many, pass, count } = setUp(['a'])
    const older = choose() ?? ''
    ask('refused')
    outcome(older, 'answered')
    assert.equal(count().ejected, 1)
    pass(1_000)
    ask('refused')
    pass(2_000)
    assert.equal(many(9), 'aaaaaaaaa')
    ask('refused')
    assert.equal(count().ejected, 1)
    pass(4_000)
    many(10)
    ask('refused')
    pass(1_000)
    ask('answered')
    assert.equal(count().ejected, 0)
  })

  test('what may not be repeated is no trial, until it has been time for long', () => {
    const { ask, pass } = setUp(['a', 'b'])
    ask('refused')
    pass(1_000)
    assert.equal(ask('answered', false), 'b')
    pass(30_000)
    assert.equal(ask('answered', false), 'a')
  })

  test('a trial whose client goes away says nothing: the next one may try', () => {
    const { ask, pass } = setUp(['a', 'b'])
    ask('refused')
    pass(1_000)
    assert.deepEqual([ask('unknown'), ask('answered'), ask('answered')], ['a', 'a', 'b'])
  })
})

describe('instances that come and go', () => {
  test('who stays keeps what is known of it, who comes is new, who goes is not asked', () => {
    const { ask, many, replace, count } = setUp(['a', 'b', 'c'])
    ask('refused')
    replace(['a', 'c', 'd', 'd'])
    assert.deepEqual(count(), { all: 3, ejected: 1 })
    assert.match(many(6), /^(?:cd|dc){3}$/)
    replace(['a'])
    replace(['a', 'b'])
    assert.equal(many(2), 'bb')
  })

  test('what comes of a request to one that is gone harms nobody', () => {
    const { choose, outcome, replace, count } = setUp(['a'])
    const gone = choose() ?? ''
    replace(['b'])
    outcome(gone, 'refused')
    assert.deepEqual(count(), { all: 1, ejected: 0 })
  })
})
