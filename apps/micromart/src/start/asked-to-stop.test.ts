import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedToStop } from './asked-to-stop.ts'

test('a closed terminal ends a process, unless the signal means something else to it', async () => {
  const [usual, rereads] = [askedToStop(), askedToStop({ hangUpStops: false })]
  process.emit('SIGHUP')
  assert.deepEqual(await usual, { by: 'SIGHUP' })
  process.emit('SIGTERM')
  assert.deepEqual(await rereads, { by: 'SIGTERM' })
})
