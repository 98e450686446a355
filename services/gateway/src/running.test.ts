import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRunning, type Listed } from './running.ts'

interface Member extends Listed<Member> {
  readonly name: number
}

test('whatever comes and goes, it has what a set would have, and what has gone knows nobody', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (steps) => {
      const running = createRunning<Member>()
      const expected = new Map<number, Member>()
      for (const name of steps) {
        const known = expected.get(name)
        if (known) {
          running.remove(known)
          expected.delete(name)
          assert.deepEqual([known.before, known.after], [undefined, undefined])
        } else {
          const member: Member = { name, before: undefined, after: undefined }
          running.add(member)
          expected.set(name, member)
        }
      }
      assert.equal(running.size, expected.size)
      assert.deepEqual(new Set([...running].map(({ name }) => name)), new Set(expected.keys()))
    }),
  )
})

test('members may go while one looks at them', () => {
  const running = createRunning<Member>()
  const members = [1, 2, 3].map((name): Member => ({ name, before: undefined, after: undefined }))
  members.forEach(running.add)
  for (const member of running) running.remove(member)
  assert.equal(running.size, 0)
  assert.deepEqual([...running], [])
})
