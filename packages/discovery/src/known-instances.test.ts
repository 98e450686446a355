import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { keepKnown } from './known-instances.ts'
import type { Heard } from './source.ts'

const EMPTY_AFTER_MS = 1_000

/** A source in the hand of the test, and what comes of what it says. */
function follow(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const notes: string[] = []
  let source: Heard | undefined
  const stop = keepKnown(
    (heard) => {
      source = heard
      return () => void notes.push('stopped')
    },
    {
      emptyAfterMs: EMPTY_AFTER_MS,
      onAnswer: (instances) => void notes.push(`[${instances.join()}]`),
      onLost: (error) => void notes.push(`lost: ${String(error)}`),
      onFound: () => void notes.push('found'),
    },
  )
  return {
    notes,
    stop,
    answer: (...instances: string[]) => source?.answer(instances),
    fail: () => source?.failed('why'),
    pass: (ms: number) => t.mock.timers.tick(ms),
  }
}

test('an answer is told once, sorted and without repetition', (t) => {
  const { notes, answer } = follow(t)
  answer('b', 'a', 'b')
  answer('a', 'b')
  answer('a')
  assert.deepEqual(notes, ['[a,b]', '[a]'])
})

test('the first answer may be that there is none', (t) => {
  const { notes, answer } = follow(t)
  answer()
  assert.deepEqual(notes, ['[]'])
})

test('none after some counts only when it is still so after the time', (t) => {
  const { notes, answer, pass } = follow(t)
  answer('a')
  answer()
  pass(EMPTY_AFTER_MS - 1)
  answer()
  assert.deepEqual(notes, ['[a]'])
  pass(1)
  assert.deepEqual(notes, ['[a]', '[]'])
  answer('a')
  answer()
  pass(EMPTY_AFTER_MS - 1)
  answer('a')
  pass(EMPTY_AFTER_MS)
  assert.deepEqual(notes, ['[a]', '[]', '[a]'])
})

test('a failure is told once and changes nothing, however long it lasts', (t) => {
  const { notes, answer, fail, pass } = follow(t)
  answer('a')
  fail()
  fail()
  pass(EMPTY_AFTER_MS * 100)
  answer('a')
  answer('b')
  assert.deepEqual(notes, ['[a]', 'lost: why', 'found', '[b]'])
})

test('a failure after none: nobody knows whether it is still so', (t) => {
  const { notes, answer, fail, pass } = follow(t)
  answer('a')
  answer()
  fail()
  pass(EMPTY_AFTER_MS)
  assert.deepEqual(notes, ['[a]', 'lost: why'])
  answer()
  pass(EMPTY_AFTER_MS)
  assert.deepEqual(notes, ['[a]', 'lost: why', 'found', '[]'])
})

test('nothing happens after the end', (t) => {
  const { notes, answer, stop, pass } = follow(t)
  answer('a')
  answer()
  stop()
  pass(EMPTY_AFTER_MS)
  assert.deepEqual(notes, ['[a]', 'stopped'])
})
