import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { SignInThrottle } from '../src/ports.ts'

export interface ThrottleHarness {
  /** Three failures of an account fill it; its counters are its own. */
  throttle(): Promise<SignInThrottle>
  readonly windowMs: number
  /** Lets the window of a failure that was counted now come to its end. */
  windowEnds(isOver: () => Promise<boolean>): Promise<unknown>
}

/** What every sign-in throttle does, wherever it keeps its counters. */
export function throttleConformance(name: string, harness: ThrottleHarness): void {
  const someone = () => ({ email: `${randomUUID()}@example.com`, clientAddress: randomUUID() })
  const fail = async (throttle: SignInThrottle, attempt: ReturnType<typeof someone>, times: number) => {
    for (let count = 0; count < times; count += 1) await throttle.failed(attempt)
  }

  describe(`sign-in throttle: ${name}`, () => {
    test('an account waits after its failures, from wherever, until the window of the first one ends', async () => {
      const throttle = await harness.throttle()
      const ada = someone()
      await fail(throttle, ada, 2)
      assert.equal(await throttle.waitMs(ada), 0)
      await throttle.failed(ada)
      const waitMs = await throttle.waitMs(ada)
      assert.ok(waitMs > 0 && waitMs <= harness.windowMs, `${waitMs} ms`)
      assert.ok((await throttle.waitMs({ ...ada, clientAddress: undefined })) > 0)
      assert.equal(await throttle.waitMs({ ...ada, email: someone().email }), 0)
      await harness.windowEnds(async () => (await throttle.waitMs(ada)) === 0)
      assert.equal(await throttle.waitMs(ada), 0)
    })

    test('a client that tries many accounts waits too, and signing in to one of them does not help', async () => {
      const throttle = await harness.throttle()
      const { clientAddress } = someone()
      const attempts = Array.from({ length: 30 }, () => ({ ...someone(), clientAddress }))
      for (const attempt of attempts) await throttle.failed(attempt)
      await throttle.succeeded({ ...someone(), clientAddress })
      assert.ok((await throttle.waitMs({ ...someone(), clientAddress })) > 0)
      assert.equal(await throttle.waitMs(someone()), 0)
    })

    test('who has a network of IPv6 is one client, however many of its addresses it uses', async () => {
      const throttle = await harness.throttle()
      const network = Array.from({ length: 4 }, () => Math.floor(Math.random() * 0xffff).toString(16)).join(':')
      for (let count = 0; count < 30; count += 1)
        await throttle.failed({ ...someone(), clientAddress: `${network}::${count.toString(16)}` })
      assert.ok((await throttle.waitMs({ ...someone(), clientAddress: `${network}:1:2:3:4` })) > 0)
    })

    test('signing in forgives the account its failures', async () => {
      const throttle = await harness.throttle()
      const ada = someone()
      await fail(throttle, ada, 2)
      await throttle.succeeded(ada)
      await fail(throttle, ada, 2)
      assert.equal(await throttle.waitMs(ada), 0)
    })

    test('failures at the same time are all counted', async () => {
      const throttle = await harness.throttle()
      const ada = someone()
      await Promise.all([1, 2, 3].map(() => throttle.failed(ada)))
      assert.ok((await throttle.waitMs(ada)) > 0)
    })
  })
}
