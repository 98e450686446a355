import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { CRASH_POINT_CHANNEL, crashPoint, type PointReached, workingOn } from './crash-points.ts'

test('without a subscriber a point is nothing, and nobody is asked what it is about', () => {
  const kinds = () => assert.fail('asked')
  assert.equal(crashPoint('commit.before', kinds), undefined)
  assert.equal(
    workingOn(kinds, () => 'done'),
    'done',
  )
})

test('a subscriber hears what is worked on, and its outcome is waited for', async () => {
  const heard: PointReached[] = []
  const listen = (told: unknown) => {
    const reached = told as PointReached
    heard.push({ ...reached })
    if (reached.point === 'commit.after') reached.outcome = Promise.reject(new Error('lost'))
  }
  subscribe(CRASH_POINT_CHANNEL, listen)
  try {
    const work = async () => {
      await crashPoint('commit.before')
      await crashPoint('publish.before', () => ['message:b'])
      await crashPoint('commit.after')
    }
    await assert.rejects(
      workingOn(() => ['message:a'], work),
      { message: 'lost' },
    )
    await crashPoint('commit.before')
  } finally {
    unsubscribe(CRASH_POINT_CHANNEL, listen)
  }
  assert.deepEqual(heard, [
    { point: 'commit.before', kinds: ['message:a'] },
    { point: 'publish.before', kinds: ['message:b'] },
    { point: 'commit.after', kinds: ['message:a'] },
    { point: 'commit.before', kinds: ['start'] },
  ])
})
