import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomFrom } from '../random.ts'
import type { FaultRecord, JournalContent } from './journal.ts'
import { htmlReport } from './report/report.ts'
import { distributionOf, percentile, ruleOfThree } from './statistics.ts'
import { summarise } from './summary.ts'

const T0 = Date.UTC(2026, 0, 1)

const record = (number: number, options: Partial<FaultRecord>): FaultRecord => ({
  number,
  wave: number,
  kind: 'kill-instance',
  target: 'order-1',
  durationMs: 0,
  afterMs: 0,
  did: 'killed',
  injectedAt: T0 + number * 1_000,
  healedAt: T0 + number * 1_000,
  recoveryMs: 1_000,
  overshadowed: false,
  ...options,
})

const content = (faults: readonly FaultRecord[], violations: readonly string[] = []): JournalContent => ({
  faults,
  seconds: Array.from({ length: 60 }, (_, second) => ({
    at: T0 + second * 1_000,
    accepted: second * 3,
    confirmed: second * 2,
    faults: 1,
    running: 4,
    load: 0.5,
  })),
  checks: [{ at: T0, afterFaults: 3, invariant: 'I1', title: 'never oversold', counts: { checkouts: 1 }, violations }],
})

describe('percentiles', () => {
  test('are values that occur, by nearest rank', () => {
    const hundred = randomFrom('x').shuffle(Array.from({ length: 100 }, (_, index) => index + 1))
    assert.deepEqual(
      [50, 95, 99, 100].map((percent) => percentile(hundred, percent)),
      [50, 95, 99, 100],
    )
    assert.equal(percentile([7], 50), 7)
    assert.equal(percentile([], 50), undefined)
    assert.deepEqual(distributionOf([3, 1, 2]), { count: 3, p50: 2, p95: 3, p99: 3, most: 3 })
  })

  test('no violation in 10,000 tries means a rate below 0.03 %', () => {
    assert.equal(ruleOfThree(10_000), 0.0003)
    assert.equal(ruleOfThree(0), 1)
  })
})

describe('the summary of a campaign', () => {
  test('leaves out of the recovery what a fault that hits everybody has overshadowed', () => {
    const { recovery, kinds, quickEnough, machineLoad } = summarise(
      content([record(1, {}), record(2, { recoveryMs: 60_000, overshadowed: true }), record(3, { recoveryMs: 3_000 })]),
    )
    assert.deepEqual([recovery.count, recovery.most, quickEnough, machineLoad], [2, 3_000, true, 0.5])
    assert.deepEqual(
      kinds.map(({ kind, faults }) => [kind, faults]),
      [['kill-instance', 3]],
    )
  })

  test('is not quick enough when one fault was never recovered from, or too many late', () => {
    assert.equal(summarise(content([record(1, { recoveryMs: null })])).quickEnough, false)
    assert.equal(summarise(content([record(1, { recoveryMs: 5_001 })])).quickEnough, false)
  })
})

describe('the report', () => {
  const settings = {
    ...{ seed: '<script>', faults: 2, atOnce: 4, instances: 2, rate: 8, kinds: [], verifyEvery: 500 },
  }
  const faults = [
    record(1, { target: 'order-1>postgres', kind: 'latency', did: 'a & b' }),
    record(2, { recoveryMs: null }),
  ]

  test('is one page with both pictures and every fault, that loads nothing', () => {
    const page = htmlReport(settings, content(faults))
    assert.equal(page.match(/<svg /g)?.length, 2)
    assert.match(page, /every invariant held/)
    assert.match(page, /order-1&#62;postgres/)
    assert.match(page, /a &#38; b/)
    assert.match(page, /never recovered/)
    assert.doesNotMatch(page, /<script|https?:|src=|NaN|undefined|Infinity/)
  })

  test('says what was violated', () => {
    const page = htmlReport(settings, content(faults, ['KETTLE: 3 sold of 2']))
    assert.match(page, /1 violations/)
    assert.match(page, /I1: KETTLE: 3 sold of 2/)
  })

  test('has something to say of a campaign that did nothing', () => {
    const nothing = { faults: [], seconds: [], checks: [], seen: [] }
    assert.doesNotMatch(htmlReport(settings, nothing), /NaN|undefined|Infinity/)
  })
})
