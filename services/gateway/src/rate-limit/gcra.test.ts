import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { afterOneCell, cellsLeft, freeInS, fullInS, type Rate, rateOf } from './gcra.ts'

const rates = fc
  .record({ quota: fc.integer({ min: 1, max: 5_000 }), windowS: fc.integer({ min: 1, max: 86_400 }) })
  .map(({ quota, windowS }) => rateOf(quota, windowS))
const START_US = 1_700_000_000_000_000

/** When cells got in, of all that knocked with these pauses between them. */
function letIn(rate: Rate, pausesUs: readonly number[]): readonly number[] {
  let tatUs = 0
  let nowUs = START_US
  return pausesUs.flatMap((pauseUs) => {
    nowUs += pauseUs
    const next = afterOneCell(tatUs, nowUs, rate)
    tatUs = next ?? tatUs
    return next === undefined ? [] : [nowUs]
  })
}

describe('GCRA', () => {
  test('between any two moments no more cells get in than the quota and what came back meanwhile', () => {
    fc.assert(
      fc.property(rates, fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 300 }), (rate, pauses) => {
        const times = letIn(
          rate,
          pauses.map((intervals) => Math.floor(intervals * rate.intervalUs)),
        )
        for (const [from, first] of times.entries())
          for (const [to, last] of times.entries())
            if (to >= from) assert.ok(to - from + 1 <= rate.quota + (last - first) / rate.intervalUs)
      }),
      { numRuns: 300 },
    )
  })

  test('a rested bucket lets in exactly its quota at once', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        assert.equal(letIn(rate, Array(Math.min(rate.quota, 5_000) + 3).fill(0)).length, rate.quota)
      }),
    )
  })

  test('who keeps to the rate is never refused', () => {
    fc.assert(
      fc.property(rates, fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200 }), (rate, extra) => {
        const pauses = extra.map((more) => rate.intervalUs + more)
        assert.equal(letIn(rate, pauses).length, pauses.length)
      }),
    )
  })

  test('what is said of the bucket is what it does', () => {
    fc.assert(
      fc.property(rates, fc.nat({ max: 6_000 }), fc.nat({ max: 10_000_000 }), (rate, used, pauseUs) => {
        let tatUs = 0
        for (let count = 0; count < used; count += 1) tatUs = afterOneCell(tatUs, START_US, rate) ?? tatUs
        const nowUs = START_US + pauseUs
        const left = cellsLeft(tatUs, nowUs, rate)
        let more = 0
        let next = tatUs
        for (let after = afterOneCell(next, nowUs, rate); after; after = afterOneCell(next, nowUs, rate)) {
          next = after
          more += 1
        }
        assert.equal(more, left)
        assert.equal(cellsLeft(next, nowUs + fullInS(next, nowUs) * 1_000_000, rate), rate.quota)
        const laterUs = nowUs + freeInS(next, nowUs, rate) * 1_000_000
        assert.ok(afterOneCell(next, laterUs, rate) !== undefined, 'Retry-After is long enough')
      }),
    )
  })

  test('never more per window than configured, however it divides', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 86_400 }), (quota, windowS) => {
        const rate = rateOf(quota, windowS)
        assert.ok(rate.windowUs >= windowS * 1_000_000 && Number.isSafeInteger(rate.windowUs))
      }),
    )
  })
})
