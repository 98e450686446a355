import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchPulse } from './pulse.ts'

const soon = { everyMs: 1, patienceMs: 20 }
const never = () => new Promise<never>(() => {})

test('silence is reported, once', async () => {
  let asked = 0
  await new Promise<void>((onSilence) =>
    watchPulse({ ...soon, onSilence, ask: async () => (++asked < 3 ? undefined : never()) }),
  )
  assert.equal(asked, 3)
})

test('a connection that is known to be gone, and one that is not watched any more, are not silent', async () => {
  const reported: string[] = []
  let asked = 0
  const refuse = async () => {
    asked += 1
    throw new Error('gone')
  }
  watchPulse({ ...soon, ask: refuse, onSilence: () => reported.push('gone') })
  const stop = watchPulse({ ...soon, ask: never, onSilence: () => reported.push('stopped') })
  const stopTheOther = async () => {
    stop()
    return never()
  }
  await new Promise<void>((onSilence) => watchPulse({ everyMs: 10, patienceMs: 100, ask: stopTheOther, onSilence }))
  assert.deepEqual([asked, reported], [1, []])
})

test('who was frozen itself reads what has come meanwhile', async () => {
  const silent: string[] = []
  await new Promise<void>((resolve) => {
    const stop = watchPulse({
      ...soon,
      ask: async () => {
        const answer = new Promise((arrived) => setImmediate(arrived)) // is there before anything is read
        const until = performance.now() + 40
        while (performance.now() < until);
        await answer
        stop()
        setTimeout(resolve, 40)
      },
      onSilence: () => silent.push('silence'),
    })
  })
  assert.deepEqual(silent, [])
})
