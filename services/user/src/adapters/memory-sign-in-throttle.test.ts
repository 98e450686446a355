import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { memorySignInThrottle } from './memory-sign-in-throttle.ts'

const ada = { email: 'ada@example.com', clientAddress: '192.0.2.1' }

test('an account waits after its failures, until the window of the first one ends', () => {
  const clock = fakeClock()
  const throttle = memorySignInThrottle({ clock, mostFailures: 3 })
  for (let count = 0; count < 3; count++) {
    assert.equal(throttle.waitMs(ada), 0)
    throttle.failed(ada)
    clock.advance(60_000)
  }
  assert.equal(throttle.waitMs(ada), 12 * 60_000)
  assert.equal(throttle.waitMs({ ...ada, clientAddress: undefined }), 12 * 60_000)
  assert.equal(throttle.waitMs({ ...ada, email: 'eve@example.com' }), 0)
  clock.advance(12 * 60_000)
  assert.equal(throttle.waitMs(ada), 0)
})

test('a client that tries many accounts waits too, and signing in to one of them does not help', () => {
  const throttle = memorySignInThrottle({ clock: fakeClock(), mostFailures: 3 })
  for (let count = 0; count < 30; count++) throttle.failed({ ...ada, email: `${count}@example.com` })
  throttle.succeeded({ ...ada, email: '1@example.com' })
  assert.ok(throttle.waitMs({ ...ada, email: 'fresh@example.com' }) > 0)
  assert.equal(throttle.waitMs({ email: 'fresh@example.com', clientAddress: '192.0.2.2' }), 0)
})

test('signing in forgives the account its failures', () => {
  const throttle = memorySignInThrottle({ clock: fakeClock(), mostFailures: 2 })
  throttle.failed(ada)
  throttle.succeeded(ada)
  throttle.failed(ada)
  assert.equal(throttle.waitMs(ada), 0)
})
