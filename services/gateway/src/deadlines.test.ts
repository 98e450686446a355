import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createDeadlines, type Timed } from './deadlines.ts'

/** An own clock that the mocked timers of the test move along. */
function timed(expired: number[], name: number): Timed {
  return {
    expire: () => void expired.push(name),
    dueAtMs: 0,
    earlier: undefined,
    later: undefined,
    queue: undefined,
  }
}

const steps = fc.record({
  lengthMs: fc.constantFrom(30, 500, 10_000),
  pauseMs: fc.nat({ max: 400 }),
  stops: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
})

/** Deadlines under a clock that is moved by the test, and what is expected of each. */
function watch(tick: (ms: number) => void) {
  let nowMs = 0
  const deadlines = createDeadlines(() => nowMs)
  const expired: number[] = []
  const items: { readonly item: Timed; readonly dueAt: number; isStopped: boolean }[] = []
  return {
    start: (lengthMs: number) => {
      const item = timed(expired, items.length)
      items.push({ item, dueAt: nowMs + lengthMs, isStopped: false })
      deadlines.start(item, lengthMs)
    },
    stop: (index: number) => {
      const stopped = items[index]
      if (!stopped) return
      stopped.isStopped ||= stopped.dueAt > nowMs
      deadlines.stop(stopped.item)
    },
    advance: (ms: number) => {
      for (let count = 0; count < ms; count += 1) {
        nowMs += 1
        tick(1)
      }
    },
    check: () => {
      for (const [name, { dueAt, isStopped }] of items.entries())
        assert.equal(expired.filter((each) => each === name).length, !isStopped && dueAt <= nowMs ? 1 : 0)
    },
  }
}

describe('deadlines', () => {
  test('each expires once, at its time and not before, unless it was stopped', (t) => {
    const run = (taken: readonly { lengthMs: number; pauseMs: number; stops: number | undefined }[]) => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      const watched = watch((ms) => t.mock.timers.tick(ms))
      for (const { lengthMs, pauseMs, stops } of taken) {
        watched.start(lengthMs)
        watched.advance(pauseMs)
        watched.stop(stops ?? -1)
        watched.check()
      }
      watched.advance(10_001)
      watched.check()
    }
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), run).afterEach(() => t.mock.timers.reset()),
      { numRuns: 50 },
    )
  })

  test('infinity never comes, and stopping what never started is harmless', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const deadlines = createDeadlines(() => 0)
    const expired: number[] = []
    const item = timed(expired, 0)
    deadlines.start(item, Number.POSITIVE_INFINITY)
    t.mock.timers.tick(2 ** 31)
    deadlines.stop(item)
    assert.deepEqual(expired, [])
  })
})
