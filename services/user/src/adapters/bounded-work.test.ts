import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedWork } from './bounded-work.ts'

const bounded = () =>
  boundedWork({
    running: 2,
    waiting: 1,
    refuse: () => {
      throw new Error('full')
    },
  })

test('runs two, lets one wait, refuses the rest, and goes on when a place is free', async () => {
  const run = bounded()
  const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const started: number[] = []
  const results = gates.map((gate, index) =>
    run(() => {
      started.push(index)
      return gate.promise
    }),
  )
  await assert.rejects(
    run(async () => 'never'),
    /full/,
  )
  assert.deepEqual(started, [0, 1])
  gates[1]?.resolve('second')
  assert.equal(await results[1], 'second')
  gates[2]?.resolve('third')
  assert.equal(await results[2], 'third')
  gates[0]?.resolve('first')
  assert.equal(await results[0], 'first')
  assert.equal(await run(async () => 'again'), 'again')
})

test('work that fails gives its place back', async () => {
  const run = bounded()
  for (let count = 0; count < 5; count++)
    await assert.rejects(
      run(async () => {
        throw new Error('broken')
      }),
      /broken/,
    )
  assert.equal(await run(async () => 'fine'), 'fine')
})
