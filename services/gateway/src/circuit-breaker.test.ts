import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createCircuitBreaker } from './circuit-breaker.ts'

const options = { windowMs: 10_000, failureRatio: 0.5, leastRequests: 20, openMs: 1_000, trials: 5 }

function breakerAt(startMs = 0) {
  let nowMs = startMs
  const breaker = createCircuitBreaker({ ...options, now: () => nowMs })
  return {
    ...breaker,
    advance: (ms: number) => {
      nowMs += ms
    },
    /** Lets one in and reports it; false when it is not let in. */
    once: (result: 'succeeded' | 'failed' | 'unknown') => {
      const pass = breaker.admit()
      if (pass !== undefined) breaker.report(pass, result)
      return pass !== undefined
    },
  }
}

const opened = () => {
  const breaker = breakerAt()
  for (let count = 0; count < options.leastRequests; count += 1) breaker.once('failed')
  return breaker
}

describe('a circuit breaker', () => {
  test('opens at the ratio, not before there are enough requests, and forgets what is out of the window', () => {
    const breaker = breakerAt()
    for (let count = 0; count < 19; count += 1) breaker.once('failed')
    assert.equal(breaker.state(), 'closed')
    breaker.advance(11_000)
    breaker.once('failed')
    assert.equal(breaker.state(), 'closed')
    for (let count = 0; count < 20; count += 1) breaker.once('succeeded')
    for (let count = 0; count < 18; count += 1) breaker.once('failed')
    assert.equal(breaker.state(), 'closed')
    breaker.once('failed')
    assert.equal(breaker.state(), 'open')
    assert.equal(breaker.once('succeeded'), false)
  })

  test('lets a few through after a while, and all again once they have succeeded', () => {
    const breaker = opened()
    breaker.advance(999)
    assert.equal(breaker.admit(), undefined)
    breaker.advance(1)
    const passes = Array.from({ length: options.trials + 1 }, () => breaker.admit())
    assert.deepEqual(
      passes.map((pass) => pass !== undefined),
      [true, true, true, true, true, false],
    )
    for (const pass of passes) if (pass !== undefined) breaker.report(pass, 'succeeded')
    assert.equal(breaker.state(), 'closed')
  })

  test('one failure on trial opens it again, whatever else comes back then', () => {
    const breaker = opened()
    breaker.advance(1_000)
    const [first = -1, second = -1] = [breaker.admit(), breaker.admit()]
    breaker.report(first, 'failed')
    breaker.report(second, 'succeeded')
    assert.equal(breaker.state(), 'open')
    assert.equal(breaker.admit(), undefined)
  })

  test('a trial of which nothing is known makes room for the next', () => {
    const breaker = opened()
    breaker.advance(1_000)
    for (let count = 0; count < 100; count += 1) assert.ok(breaker.once('unknown'))
    assert.equal(breaker.state(), 'half-open')
  })

  test('what comes back late, from before it opened, changes nothing', () => {
    const breaker = breakerAt()
    const early = Array.from({ length: 50 }, () => breaker.admit() ?? -1)
    for (const pass of early.slice(0, 20)) breaker.report(pass, 'failed')
    breaker.advance(1_000)
    for (const pass of early.slice(20)) breaker.report(pass, 'succeeded')
    assert.equal(breaker.state(), 'open')
    assert.ok(breaker.once('unknown'))
    assert.equal(breaker.state(), 'half-open')
  })

  test('whatever happens: opens only by enough failures, stays open its time, never more on trial than allowed', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 300 }), (taken) => {
        const watched = watch()
        for (const step of taken) watched[step.do](step)
      }),
      { numRuns: 300 },
    )
  })
})

const steps = fc.record({
  do: fc.oneof(
    { weight: 5, arbitrary: fc.constant('admit' as const) },
    { weight: 5, arbitrary: fc.constant('report' as const) },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
  ),
  which: fc.nat(),
  result: fc.constantFrom('succeeded' as const, 'failed' as const, 'unknown' as const),
  ms: fc.integer({ min: 1, max: 3_000 }),
})
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** A breaker that is watched at every step. */
function watch() {
  const breaker = breakerAt()
  let running: { readonly pass: number; readonly period: number }[] = []
  let period = 0
  let state = breaker.state()
  let failures = 0
  let openMs = 0

  const look = () => {
    const now = breaker.state()
    if (now !== state) {
      const isEarned = state === 'half-open' || failures >= options.leastRequests * options.failureRatio
      assert.ok(now !== 'open' || isEarned)
      assert.ok(now !== 'closed' || state === 'half-open')
      period += 1
      openMs = 0
      state = now
    }
    const onTrial = running.filter((each) => each.period === period)
    assert.ok(state !== 'half-open' || onTrial.length <= options.trials)
  }

  return {
    admit: () => {
      const [before, waitedMs] = [state, openMs]
      const pass = breaker.admit()
      look()
      if (before !== 'half-open') assert.equal(pass !== undefined, before === 'closed' || waitedMs >= options.openMs)
      if (pass !== undefined) running.push({ pass, period })
      look()
    },
    report: ({ which, result }: Step) => {
      const reported = running[which % Math.max(1, running.length)]
      if (!reported) return
      running = running.filter((each) => each !== reported)
      if (result === 'failed') failures += 1
      breaker.report(reported.pass, result)
      look()
    },
    wait: ({ ms }: Step) => {
      breaker.advance(ms)
      openMs += ms
    },
  }
}
