import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, finding } from '../verify/finding.ts'
import type { Fault } from './arming.ts'
import type { Outcome } from './outcome.ts'
import { markdownReport, textReport } from './report.ts'
import { summarise } from './summary.ts'

const outcome = (fault: Fault, rest: Partial<Outcome>): Outcome => ({
  cell: {
    id: 0,
    fault,
    place: {
      service: 'order',
      point: 'commit.after',
      kind: 'timer:payment-timeout',
      ways: ['start'],
      count: 1,
    },
  },
  verdict: 'held',
  recoveryMs: 1_000,
  complaints: [],
  ...rest,
})
const findings: readonly Finding[] = [finding('I3', 'ends', { counts: { checkouts: 7 }, violations: [] })]
const books = { findings, unclaimed: [] }
const machine = { cores: 4, node: 'v26.0.0', date: '2026-11-21', minutes: 12 }

test('a run in which everything held is a success', () => {
  const outcomes = [
    outcome('kill', {}),
    outcome('error', { recoveryMs: 3_000 }),
    outcome('hang', { recoveryMs: 2_000 }),
  ]
  assert.deepEqual(summarise({ outcomes, ...books }), {
    points: 1,
    cells: 3,
    held: 3,
    violated: 0,
    notReached: 0,
    coverage: 100,
    medianRecoveryMs: 2_000,
    longestRecoveryMs: 3_000,
    checkouts: 7,
    ok: true,
  })
})

test('one violation, one gap, books that disagree or no cell at all: none of it is a success', () => {
  const held = outcome('kill', {})
  const complaints = ['I2: money is missing']
  const cases = [
    { outcomes: [held, outcome('error', { verdict: 'violated', complaints })], ...books },
    { outcomes: [held, outcome('hang', { verdict: 'not reached', recoveryMs: undefined })], ...books },
    { outcomes: [held], unclaimed: [], findings: findings.map((finding) => ({ ...finding, violations: ['wrong'] })) },
    { outcomes: [held], findings, unclaimed: ['I5: a dead letter waits'] },
    { outcomes: [held], findings: [], unclaimed: [] },
    { outcomes: [], ...books },
  ]
  for (const result of cases) assert.equal(summarise(result).ok, false)
})

test('both reports show each fault of a point in one row, and what was wrong', () => {
  const outcomes = [
    outcome('kill', { recoveryMs: 1_234 }),
    outcome('error', { verdict: 'violated', complaints: ['I2: money is missing'] }),
    outcome('hang', { verdict: 'not reached', recoveryMs: undefined }),
  ]
  const summary = summarise({ outcomes, ...books })
  const text = textReport({ outcomes, findings, unclaimed: ['I5: a dead letter waits'] }, summary)
  assert.match(text, /order commit\.after timer:payment-timeout +held 1\.2 s +violated 1\.0 s +not reached/)
  assert.match(
    text,
    /error: I2: money is missing\nthe books: I5: a dead letter waits\n1 points, 3 faults: 1 held, 1 violated, 1 not reached \(66\.7 %/,
  )
  const page = markdownReport({ outcomes, ...books }, summary, machine)
  assert.match(page, /\| commit\.after \| `timer:payment-timeout` \| held 1\.2 s \| violated 1\.0 s \| not reached \|/)
  assert.match(page, /2026-11-21, 4 cores, Node v26\.0\.0, in 12 minutes/)
})
