import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUuid, uuidV7 } from './ids.ts'

const at = (ms: number) => ({ now: () => new Date(ms) })

test('ids made within one millisecond sort in the order they were made, past the counter limit too', () => {
  const ids = uuidV7(at(1_700_000_000_000))
  const made = Array.from({ length: 10_000 }, () => ids.next())
  assert.deepEqual(made, made.toSorted())
  assert.equal(new Set(made).size, made.length)
})

test('an id is a version 7, variant 10 UUID that carries its time', () => {
  const id = uuidV7(at(0x0123_4567_89ab)).next()
  assert.ok(isUuid(id))
  assert.match(id, /^01234567-89ab-7000-[89ab]/)
})

test('a clock that goes back does not make ids go back', () => {
  let ms = 2_000
  const ids = uuidV7({ now: () => new Date(ms) })
  const first = ids.next()
  ms = 1_000
  assert.ok(ids.next() > first)
})
