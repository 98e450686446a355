import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitConcurrency } from './limit-concurrency.ts'

test('the second waits for its place, also after a failure', async () => {
  const limited = limitConcurrency({ running: 1, waitMs: 60_000 })
  const gate = Promise.withResolvers<string>()
  const first = limited(() => gate.promise)
  const second = limited(async () => 'second')
  gate.reject(new Error('broken'))
  await assert.rejects(first, /broken/)
  assert.equal(await second, 'second')
})

test('who gets no place in time has done nothing, and the place is not lost', async () => {
  const limited = limitConcurrency({ running: 1, waitMs: 1 })
  const gate = Promise.withResolvers<string>()
  const first = limited(() => gate.promise)
  assert.equal(await limited(async () => 'second'), undefined)
  gate.resolve('first')
  assert.equal(await first, 'first')
  assert.equal(await limited(async () => 'third'), 'third')
})
