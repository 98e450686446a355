import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slopeOf } from './soak.ts'
import { type Round, ratioLine, ratiosOf, rowOf } from './summary.ts'

const round = (perSecond: number, cpuUs: number, errors = {}): Round => ({
  perSecond,
  cpuUs,
  errors,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
  answers: 10,
  allAnswers: 12,
})

test('a row takes the median round, and counts what went wrong in all', () => {
  const row = rowOf('ours', [round(30, 3, { 503: 1 }), round(10, 1), round(20, 2, { 503: 2 })])
  assert.deepEqual([row.perSecond, row.rounds, row.cpuUs, row.errors], [20, [30, 10, 20], 2, { 503: 3 }])
})

test('a ratio compares neighbours of the same round, whatever the machine did to both', () => {
  const [ratio] = ratiosOf(
    new Map([
      ['ours', [round(90, 10), round(9, 10), round(900, 10)]],
      ['undici', [round(100, 9), round(10, 9), round(10, 9)]],
    ]),
  )
  assert.ok(ratio)
  assert.deepEqual([ratio.of, ratio.to, ratio.ratio, ratio.cpuRatio], ['ours', 'undici', 0.9, 0.9])
  assert.doesNotMatch(ratioLine(ratio), /NOT REACHED/)
  assert.match(ratioLine({ ...ratio, ratio: 0.84 }), /NOT REACHED/)
})

test('a slope is that of the line through the samples', () => {
  const line = Array.from({ length: 10 }, (_, index) => ({ atMs: index * 1_000, rssMib: 100 + index * 5 }))
  assert.equal(slopeOf(line), 0.005)
  assert.equal(slopeOf([]), 0)
})
